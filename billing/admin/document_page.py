"""A document on the screen: as it is printed, each line with how it came about, and what became of it."""

from __future__ import annotations

from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from billing.admin import note_verbs, pieces, show
from billing.admin.frame import MoneyAdmin
from billing.models import Allocation, Document, RunItem, Seller, Standing
from billing.selectors import document_page, paper
from billing.selectors.sellers import today
from queues import policy

RELATED = ("customer", "contract", "run", "standing", "credits", "dunning")


def page(admin: MoneyAdmin, request: HttpRequest, document: Document) -> HttpResponse:
    standing: Standing | None = getattr(document, "standing", None)
    prefetch_related_objects([document], *paper.PARTS)
    day = today()
    context = {
        "job": request.GET.get("job", ""),
        "original": document, "document": document, "standing": standing,
        "badge": show.standing_state(standing, day) if standing else pieces.badge("Draft", "idle"),
        "days_late": (day - standing.due_date).days if standing and standing.balance_minor else 0,
        "dunning": getattr(document, "dunning", None), "seller": _party(document, "seller") or _seller(),
        "buyer": _party(document, "buyer") or _buyer(document), "places": document_page.places(document),
        "adjustments": list(document.adjustments.all()), "tax_groups": list(document.tax_groups.all()),
        "item": RunItem.objects.filter(document=document).select_related("previous", "run").first(),
        "happenings": document_page.happenings(document), "entries": list(document.entries.all()),
        "payments": document_page.payments(document), "set_off": _set_off(document), "verbs": verbs(document, standing),
        "unprintable": paper.unprintable(document),
        "may_audit": policy.may(request.user, policy.Action.AUDIT),
    }  # fmt: skip
    kind = "" if document.kind == Document.Kind.INVOICE else "Credit note "
    return admin.shown(request, "billing/document.html", f"{kind}{document}", context)


def _set_off(note: Document) -> list[Allocation]:
    """What a credit note is set against; what may be taken off again is so marked: it stays with the invoice that it credits."""
    found = list(note.set_off.select_related("document")) if note.kind == Document.Kind.CREDIT_NOTE else []
    for each in found:
        each.may_undo = each.amount_minor > 0 and each.document_id != note.credits_id  # type: ignore[attr-defined]
    return found


def verbs(document: Document, standing: Standing | None) -> list[pieces.Button]:
    """What can be done with it now."""
    if standing is None:
        return []
    found: list[tuple[str, str, str]] = []
    owed = standing.state in (Standing.State.OPEN, Standing.State.PART_PAID)
    if document.kind == Document.Kind.INVOICE:
        if owed or standing.written_off_minor:
            found += [("pay", "Record a payment…", "rm-primary")]
        if owed:
            found += [("charge", "Charge saved method…", ""), ("promise", "Promise to pay…", "")]
        if standing.state != Standing.State.VOID and standing.credited_minor < standing.gross_minor:
            found += [("credit", "Credit…", "")]
        if owed and not standing.paid_minor and not standing.credited_minor:
            found += [("void", "Void…", "")]
        if owed:
            found += [("write_off", "Write off…", "")]
        if standing.written_off_minor:
            found += [("recover", "Take the write-off back…", "")]
        return pieces.buttons("document", document.pk, found)
    return note_verbs.verbs(document)


def _party(document: Document, role: str) -> dict[str, Any]:
    """As it was frozen on the document."""
    found = document.parties.get(role) if isinstance(document.parties, dict) else None
    return found if isinstance(found, dict) else {}


def _seller() -> dict[str, Any]:
    seller = Seller.objects.first()
    return {} if seller is None else _told(seller)


def _buyer(document: Document) -> dict[str, Any]:
    return _told(document.customer)


def _told(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("name", "street", "postcode", "city", "country", "tax_id", "email")}


def url(document: Document) -> str:
    return pieces.page_at("document", document.pk)


def lead_to(document: Document) -> HttpResponse:
    return HttpResponseRedirect(url(document))
