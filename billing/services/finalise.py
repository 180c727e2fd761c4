"""Approved drafts become final: a number, a standing and the books, each document in a transaction of its own.

Who is stopped in the middle goes on where it stopped. Everything that is printed was in the draft, but for the number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from billing.errors import UnknownRun, WrongRunState
from billing.models import Adjustment, BillingRun, Document, Line, RunItem, Standing, TaxGroup
from billing.services import books
from billing.services.numbers import next_number
from billing.services.runs import Told, figures, locked
from queues.contract import Actor, EffectSlot, ports

CHUNK = 100  # documents whose lines are read together
Effects = Callable[[str], AbstractContextManager[EffectSlot]]


class Once:
    """The slot of an effect that nobody keeps: a document is final once by itself."""

    fresh, result = True, None

    def keep(self, result: object) -> None:
        """Nobody asks."""


@contextmanager
def plainly(key: str) -> Iterator[Once]:
    """For those who are no job: a transaction."""
    with transaction.atomic():
        yield Once()


@dataclass(frozen=True)
class Parts:
    """What is booked of a draft. A draft's rows never change: another draft has another id."""

    lines: Sequence[Line]
    adjustments: Sequence[Adjustment]
    groups: Sequence[TaxGroup]


def finalise(
    code: str, *, actor: Actor, effect: Effects = plainly, on_progress: Told = lambda done, total: None,
    checkpoint: Callable[[], None] = lambda: None,
) -> BillingRun:  # fmt: skip
    """Make an approved run final. Of one that is final already nothing changes. `effect`: a job's transaction for what happens once.

    Raises UnknownRun, WrongRunState, and whatever `checkpoint` raises; what is final by then stays final.
    """
    run = BillingRun.objects.filter(code=code).first()
    if run is None:
        raise UnknownRun(code)
    if run.state == BillingRun.State.FINAL:
        return run
    items = run.items.filter(state=RunItem.State.DRAFTED).order_by("contract__code", "period_start")
    wanted = [pk for pk in items.values_list("document_id", flat=True) if pk is not None]
    done = run.items.filter(state=RunItem.State.FINAL).count()
    total = done + len(wanted)
    for first in range(0, len(wanted), CHUNK):
        chunk = wanted[first : first + CHUNK]
        parts = parts_of(chunk)
        documents = Document.objects.select_related("contract__jurisdiction", "customer").in_bulk(chunk)
        for pk in chunk:
            checkpoint()
            document = documents.get(pk)
            if document is None:
                raise WrongRunState(f"Run {code} got other drafts meanwhile: look at them and approve them.")
            with effect(effect_key(document)) as slot:
                if slot.fresh:
                    slot.keep({"number": finalise_document(run.code, document, parts[pk])})
            done += 1
            on_progress(done, total)
    return _end(run.code, actor)


def effect_key(document: Document) -> str:
    """The business identity of a period's document."""
    contract = document.contract.code if document.contract else ""
    return f"billing.document:{contract}:{document.period_start}:{document.generation}"


def parts_of(documents: Collection[UUID]) -> Mapping[UUID, Parts]:
    """Three queries."""
    lines, adjustments, groups = defaultdict(list), defaultdict(list), defaultdict(list)
    for line in Line.objects.filter(document__in=documents).only("document_id", "code", "net_minor"):
        lines[line.document_id].append(line)
    for each in Adjustment.objects.filter(document__in=documents):
        adjustments[each.document_id].append(each)
    for group in TaxGroup.objects.filter(document__in=documents):
        groups[group.document_id].append(group)
    return {pk: Parts(lines[pk], adjustments[pk], groups[pk]) for pk in documents}


def finalise_document(code: str, document: Document, parts: Parts) -> str:
    """One draft of an approved run, in the caller's transaction. Answers with its number. Raises WrongRunState."""
    run = locked(code, BillingRun.State.APPROVED, BillingRun.State.FINAL)  # (somebody else may have been faster)
    if run.approved_hash != run.preview_hash:
        raise WrongRunState(f"Run {code} is approved no more: its drafts changed.")
    if document.contract is None or document.issue_date is None or document.due_date is None:
        raise WrongRunState(f"{document} is no draft of a billing run.")
    drafted = RunItem.objects.filter(run=run, document=document.pk, state=RunItem.State.DRAFTED)
    if drafted.update(state=RunItem.State.FINAL) != 1:
        return _number_of(document, run)
    number = next_number(document.kind)
    Document.objects.filter(pk=document.pk).update(
        state=Document.State.FINAL, series=number.series, sequence=number.sequence, number=number.text, finalised_at=ports.now()
    )  # fmt: skip
    Standing.objects.create(
        document_id=document.pk, customer=document.customer, kind=document.kind, currency=document.currency, due_date=document.due_date,
        gross_minor=document.gross_minor, state=Standing.State.OPEN if document.gross_minor else Standing.State.PAID,
    )  # fmt: skip
    place = document.contract.jurisdiction.code
    books.post(
        f"document:{number.text}", books.legs_of(document, parts.lines, parts.adjustments, parts.groups, place),
        booked_on=document.issue_date, customer=document.customer, currency=document.currency, document=document,
    )  # fmt: skip
    return number.text


def _number_of(document: Document, run: BillingRun) -> str:
    """Somebody else was faster. Raises WrongRunState where the draft was thrown away instead."""
    number = Document.objects.filter(pk=document.pk).values_list("number", flat=True).first()
    if number is None:
        raise WrongRunState(f"{document} is no draft of run {run.code} any more.")
    return number


def _end(code: str, actor: Actor) -> BillingRun:
    """When nothing is left to be made final. Audited."""
    with transaction.atomic():
        run = locked(code, BillingRun.State.APPROVED, BillingRun.State.FINAL)
        if run.state == BillingRun.State.FINAL:
            return run
        if run.items.filter(state=RunItem.State.DRAFTED).exists():
            raise WrongRunState(f"Run {code} got other drafts meanwhile: look at them and approve them.")
        run.state, run.finalised_at = BillingRun.State.FINAL, ports.now()
        run.save(update_fields=["state", "finalised_at"])
        ports.auditor()(
            actor, "billing_run.finalise", object_type="billing_run", object_id=str(run.pk), object_label=run.code,
            before={"state": "approved"}, after=figures(run),
        )  # fmt: skip
    return run
