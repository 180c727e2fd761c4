"""A customer's account, held while something is set against something. Every service that changes what is open begins with `hold`.

Rows are locked in one order: the customer, the payment, then standings; a series comes last.
"""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from billing import standing_rules
from billing.errors import CannotSettle
from billing.models import Customer, Document, Payment, Standing
from billing.standing_rules import Figures


def hold(customer_id: int) -> Customer:
    """One change of a customer's account after another. In the caller's transaction."""
    return Customer.objects.select_for_update(no_key=True).get(pk=customer_id)


def hold_payer(key: str) -> Customer:
    """As `hold`, of whose payment this is. Raises Payment.DoesNotExist."""
    try:
        return Customer.objects.select_for_update(no_key=True, of=("self",)).get(payments__key=key)
    except Customer.DoesNotExist:
        raise Payment.DoesNotExist(f"There is no payment {key!r}.") from None


def held_payment(payment: Payment) -> Payment:
    return Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)


def held_standing(document: Document | UUID) -> Standing:
    """Of a document, or of its id; with the document. Raises CannotSettle for a draft."""
    found = (
        Standing.objects.select_for_update(no_key=True, of=("self",))
        .select_related("document")
        .filter(document=document)
        .first()
    )
    if found is None:
        raise CannotSettle("This is a draft: nothing is owed on it yet.")
    return found


def figures_of(standing: Standing) -> Figures:
    return Figures(
        standing.gross_minor,
        standing.credited_minor,
        standing.paid_minor,
        standing.written_off_minor,
        standing.state == Standing.State.VOID,
    )


def move(standing: Standing, *, credited: int = 0, paid: int = 0, written_off: int = 0) -> None:
    """So much more of each, and the state that follows. Raises CannotSettle."""
    after = standing_rules.moved(figures_of(standing), credited=credited, paid=paid, written_off=written_off)
    write(standing, after)


def write(standing: Standing, figures: Figures) -> None:
    standing.credited_minor, standing.paid_minor = figures.credited, figures.paid
    standing.written_off_minor, standing.state = figures.written_off, standing_rules.state_of(figures)
    standing.save(update_fields=["credited_minor", "paid_minor", "written_off_minor", "state"])


def told(standing: Standing) -> dict[str, Any]:
    """For the audit log."""
    return {
        "state": str(standing.state),
        "balance_minor": standing.balance_minor,
        "credited_minor": standing.credited_minor,
        "paid_minor": standing.paid_minor,
        "written_off_minor": standing.written_off_minor,
    }


def number_of(document: Document) -> str:
    return cast("str", document.number)
