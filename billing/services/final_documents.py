"""Approved drafts become final, several in one transaction: their numbers, their standings and the books.

Everything that is printed was in the draft, but for the number; and the draft is what was approved, row by row, or it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Case, QuerySet, Value, When

from billing.errors import NotAsApproved, WrongRunState
from billing.models import BillingRun, Document, RunItem, Standing
from billing.services import books, digests
from billing.services.numbers import Number, next_numbers
from billing.services.runs import locked
from queues.contract import ports


@dataclass(frozen=True)
class Approved:
    """What was said yes to: the run's hash, and the digests of its drafts that it was seen to be over."""

    hash: str
    digests: Mapping[UUID | None, str | None]


def make_final(code: str, drafts: Sequence[UUID], approved: Approved) -> dict[UUID, str]:
    """Drafts of an approved run, in the caller's transaction and in this order; each one's number. One that somebody else made final
    meanwhile has its number from them. Raises NotAsApproved where rows do not give the approved digest: then nothing is to be kept;
    WrongRunState."""
    run = locked(code, BillingRun.State.APPROVED, BillingRun.State.FINAL)  # (somebody else may have been faster)
    if not run.approved_hash == run.preview_hash == approved.hash:
        raise WrongRunState(f"Run {code} is approved no more: its drafts changed.")
    drafted = RunItem.objects.filter(run=run, document__in=drafts, state=RunItem.State.DRAFTED)
    there = set(drafted.values_list("document_id", flat=True))
    numbers = _numbers_of([pk for pk in drafts if pk not in there], run)
    if not there:
        return numbers
    documents, parts = _as_approved([pk for pk in drafts if pk in there], approved)
    drafted.update(state=RunItem.State.FINAL)
    given = _numbered(documents)
    _standing(documents)
    books.post_all(_posting(each, parts[each.pk], given[each.pk]) for each in documents)
    return {**numbers, **{pk: number.text for pk, number in given.items()}}


def _as_approved(drafts: Sequence[UUID], approved: Approved) -> tuple[list[Document], dict[UUID, digests.Parts]]:
    """The drafts and their parts as they are under their locks: who changes a part waits for that lock (billing/migrations/_guards.py).
    Raises NotAsApproved where they do not give the digests that were approved."""
    found = {each.pk: each for each in _held(drafts)}
    parts = digests.parts_of_all(drafts)
    documents = [found[pk] for pk in drafts]
    refused = {
        each.pk: f"The draft of {each.contract} for the period from {each.period_start} is not what was approved: something changed"
        " its rows. Send it back and draft it again."
        for each in documents
        if digests.of_document(each, parts[each.pk]) != approved.digests.get(each.pk)
    }
    if refused:
        raise NotAsApproved(refused)
    return documents, parts


def _held(drafts: Sequence[UUID]) -> QuerySet[Document]:
    """Locked in one order, whoever asks."""
    held = Document.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=drafts).order_by("pk")
    return held.select_related("contract__jurisdiction", "customer")


def _numbered(documents: Sequence[Document]) -> dict[UUID, Number]:
    """The next numbers of each kind's series, in the order of the documents; one statement a kind."""
    given: dict[UUID, Number] = {}
    for kind in sorted({each.kind for each in documents}):
        pks = [each.pk for each in documents if each.kind == kind]
        numbers = dict(zip(pks, next_numbers(kind, len(pks)), strict=True))
        Document.objects.filter(pk__in=pks).update(
            state=Document.State.FINAL, finalised_at=ports.now(), series=numbers[pks[0]].series,
            sequence=Case(*[When(pk=pk, then=Value(each.sequence)) for pk, each in numbers.items()]),
            number=Case(*[When(pk=pk, then=Value(each.text)) for pk, each in numbers.items()]),
        )  # fmt: skip
        given |= numbers
    return given


def _standing(documents: Sequence[Document]) -> None:
    Standing.objects.bulk_create(
        Standing(
            document_id=each.pk, customer=each.customer, kind=each.kind, currency=each.currency, due_date=_dates(each)[1],
            gross_minor=each.gross_minor, state=Standing.State.OPEN if each.gross_minor else Standing.State.PAID,
        )
        for each in documents
    )  # fmt: skip


def _posting(draft: Document, parts: digests.Parts, number: Number) -> books.Posting:
    place = draft.contract.jurisdiction.code if draft.contract else ""
    return books.Posting(
        f"document:{number.text}", books.legs_of(draft, parts.lines, parts.adjustments, parts.tax_groups, place),
        booked_on=_dates(draft)[0], customer=draft.customer, currency=draft.currency, document=draft,
    )  # fmt: skip


def _dates(draft: Document) -> tuple[date, date]:
    """Of issue, and due. Raises WrongRunState where there are none."""
    if draft.contract is None or draft.issue_date is None or draft.due_date is None:
        raise WrongRunState(f"{draft} is no draft of a billing run.")
    return draft.issue_date, draft.due_date


def _numbers_of(documents: Sequence[UUID], run: BillingRun) -> dict[UUID, str]:
    """Somebody else was faster. Raises WrongRunState where a draft was thrown away instead."""
    found = dict(Document.objects.filter(pk__in=documents).values_list("pk", "number")) if documents else {}
    for pk in documents:
        if found.get(pk) is None:
            raise WrongRunState(f"Run {run.code} got other drafts meanwhile: look at them and approve them.")
    return {pk: str(number) for pk, number in found.items()}
