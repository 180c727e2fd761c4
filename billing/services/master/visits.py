"""Visits and what was weighed: proofs beyond the columns. What is on a document is not changed any more."""

from __future__ import annotations

from billing import kept_rules
from billing.errors import WrongFields
from billing.models import Contract, Document, Visit, WeighTicket
from billing.services.master import rows
from billing.weights import net_kg


def prove_visit(row: Visit, held: Visit | None) -> None:
    if held is not None:
        is_free(held)
    if row.containers < 1:
        raise WrongFields.of("containers", "A visit is to one container or more.")
    if row.contaminated and not row.evidence:
        raise WrongFields.of("evidence", "A contamination is charged: say what shows it (photo, note).")
    if row.extra and row.planned_on is not None:
        raise WrongFields.of("planned_on", "A visit beyond the schedule was not planned.")
    ticket = WeighTicket.objects.filter(visit=row).first() if row.pk else None
    if ticket is not None and row.outcome != Visit.Outcome.DONE:
        raise WrongFields.of("outcome", f"Something was weighed ({ticket}): the visit was done.")
    service, contract = row.service, row.service.contract
    for what, start, end in (
        ("service", service.starts_on, service.ends_on),
        ("contract", contract.starts_on, contract.ends_on),
    ):
        inclusive = contract.ends == Contract.Ends.INCLUSIVE
        if row.day < start:
            raise WrongFields.of("day", f"The {what} starts on {start}.")
        if end is not None and (row.day > end or (row.day == end and not inclusive)):
            raise WrongFields.of(
                "day", f"The {what} ends on {end}{'' if inclusive else ', which is not served any more'}."
            )


def prove_ticket(row: WeighTicket, held: WeighTicket | None) -> None:
    is_free(row.visit)
    if held is not None and held.visit_id != row.visit_id:
        raise WrongFields.of("visit", "What was weighed stays with its visit.")
    if row.visit.outcome != Visit.Outcome.DONE:
        raise WrongFields.of(
            "gross", f"The visit was {row.visit.get_outcome_display().lower()}: nothing can have been weighed."
        )
    if row.tare < 0:
        raise WrongFields.of("tare", "A weight is not negative.")
    if row.gross < row.tare:
        raise WrongFields.of("gross", "Gross is tare and load: it is not below tare.")
    row.net_kg = net_kg(row.gross, row.tare, row.unit)


def is_free(row: Visit) -> None:
    """Raises WrongFields where the visit is on a document."""
    if (document := row.billed_on) is not None:
        final = document.state == Document.State.FINAL
        rows.refuse(kept_rules.visit(row.code, str(document), final=final))


def may_delete_ticket(row: WeighTicket) -> None:
    is_free(row.visit)
