"""Credit notes for final invoices, and the taking back of a whole invoice."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Sum

from billing import amounts, crediting, standing_rules
from billing.credit_parts import Sums
from billing.errors import CannotSettle
from billing.models import Allocation, Coupon, Document, Payment, Standing, Visit
from billing.selectors import creditable
from billing.services import account, credit_notes, sources
from queues.contract import Actor, ports


def credit(
    document: Document,
    *,
    why: str,
    actor: Actor,
    lines: Mapping[int, int | None] | None = None,
    adjustments: Mapping[int, int | None] | None = None,
    gross_minor: int | None = None,
    left_seen_minor: int | None = None,
) -> Document:
    """A final credit note for a final invoice. Credited are `lines` and `adjustments` (their positions, each with so much of its amount, as
    the invoice's tax mode says, or None: all that is left; an allowance's is negative), or `gross_minor` of all alike,
    or (neither) all that is left. Never above what is left: of a line, of a tax group, of the whole.

    It is set off against what is open on the invoice; what is beyond stays the customer's credit. `left_seen_minor`: what was left
    (gross) when somebody looked: other figures by now are refused. What is left: billing.selectors.creditable.
    Audited. Raises CannotSettle.
    """
    with transaction.atomic():
        account.hold(document.customer_id)
        standing = _invoice(document, why)
        invoice = creditable.read_invoice(document)
        if left_seen_minor not in (None, invoice.left.gross):
            left = amounts.words(invoice.left.gross, document.currency)
            raise CannotSettle(f"Somebody credited {document.number} meanwhile: {left} is left. Look again.")
        if lines or adjustments:
            wanted = {creditable.line_key(n): amount for n, amount in (lines or {}).items()}
            wanted |= {creditable.adjustment_key(n): amount for n, amount in (adjustments or {}).items()}
            parts = crediting.of_items(invoice, wanted)
        elif gross_minor is not None:
            parts = crediting.of_gross(invoice, gross_minor)
        else:
            parts = crediting.everything(invoice)
        before = account.told(standing)
        note = _made(standing, parts, why)
        _tell("document.credit", standing, note, before, why, actor)
    return note


def void(document: Document, *, why: str, actor: Actor) -> Document | None:
    """Take a whole invoice back: a credit note for all that is left of it (None: nothing was), and its standing is void. Its visits and
    coupons are free, so that its period is billed anew. Other invoices' credit that was set against it is free, too.

    Only where nothing is paid, and no charge is under way. Audited. Raises CannotSettle.
    """
    with transaction.atomic():
        account.hold(document.customer_id)
        standing = _invoice(document, why)
        _prove_voidable(standing)
        before, note = account.told(standing), None
        _lift_others(standing)
        invoice = creditable.read_invoice(document)
        if invoice.left.gross > 0:
            note = _made(standing, crediting.everything(invoice), why)
        sources.lay_own_notes([document])
        standing = account.held_standing(document)
        account.write(standing, standing_rules.voided(account.figures_of(standing)))
        Visit.objects.filter(billed_on=document).update(billed_on=None)
        Coupon.objects.filter(used_on=document).update(used_on=None)
        _tell("document.void", standing, note, before, why, actor)
    return note


def _made(standing: Standing, parts: dict[str, Sums], why: str) -> Document:
    note = credit_notes.make(standing.document, parts, why)
    if standing.balance_minor + standing.written_off_minor > 0:
        sources.lay(sources.of_note(note), standing)
    return note


def _invoice(document: Document, why: str) -> Standing:
    standing = account.held_standing(document)
    if standing.kind != Document.Kind.INVOICE:
        raise CannotSettle(f"{document.number} is a credit note: only invoices are credited.")
    if standing.state == Standing.State.VOID:
        raise CannotSettle(f"{document.number} is void already.")
    if not why.strip():
        raise CannotSettle("Say why: it stands on the credit note.")
    return standing


def _prove_voidable(standing: Standing) -> None:
    document = standing.document
    if standing.paid_minor:
        paid = amounts.words(standing.paid_minor, standing.currency)
        raise CannotSettle(
            f"{paid} is paid on {document.number}. Undo what is set against it, or credit it and give the money back."
        )
    if Payment.objects.filter(document=document, state__in=[Payment.State.PENDING, Payment.State.UNKNOWN]).exists():
        raise CannotSettle(f"A charge for {document.number} is under way: void it when its outcome is known.")


def _lift_others(standing: Standing) -> None:
    """Credit notes of other documents that were set against this one are free again."""
    laid = Allocation.objects.filter(document=standing.document, credit_note__isnull=False)
    others = laid.exclude(credit_note__credits=standing.document)
    for row in others.values("credit_note").annotate(sum=Sum("amount_minor")).filter(sum__gt=0).order_by("credit_note"):
        sources.lift(sources.of_note(Document.objects.get(pk=row["credit_note"])), standing, row["sum"])


def _tell(
    action: str, standing: Standing, note: Document | None, before: dict[str, object], why: str, actor: Actor
) -> None:
    document = standing.document
    after = account.told(standing) | (
        {} if note is None else {"credit_note": note.number, "gross_minor": note.gross_minor}
    )
    ports.auditor()(
        actor, action, object_type="document", object_id=str(document.pk), object_label=str(document), before=before, after=after, why=why
    )  # fmt: skip
