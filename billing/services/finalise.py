"""Approved drafts become final: a number, a standing and the books, each document in a transaction of its own.

Who is stopped in the middle goes on where it stopped. Everything that is printed was in the draft, but for the number; and the draft is
what was approved, row by row, or it is refused (the others are made final all the same).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from billing.errors import NotAsApproved, UnknownRun, WrongRunState
from billing.models import BillingRun, Document, RunItem, Standing
from billing.services import books, digests
from billing.services.numbers import next_number
from billing.services.runs import Told, figures, locked
from queues.contract import Actor, EffectSlot, ports

CHUNK = 100  # documents that are read together
SHOWN = 5  # refused ones that are named
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
class Approved:
    """What was said yes to: the run's hash, and the digests of its drafts that it was seen to be over."""

    hash: str
    digests: Mapping[UUID | None, str | None]


def finalise(
    code: str, *, actor: Actor, effect: Effects = plainly, on_progress: Told = lambda done, total: None,
    checkpoint: Callable[[], None] = lambda: None,
) -> BillingRun:  # fmt: skip
    """Make an approved run final. Of one that is final already nothing changes. `effect`: a job's transaction for what happens once.

    Raises UnknownRun, WrongRunState (NotAsApproved at the end, where single drafts are refused), and whatever `checkpoint` raises; what
    is final by then stays final.
    """
    run = BillingRun.objects.filter(code=code).first()
    if run is None:
        raise UnknownRun(code)
    if run.state == BillingRun.State.FINAL:
        return run
    items = run.items.filter(state=RunItem.State.DRAFTED).order_by("contract__code", "period_start")
    wanted = [pk for pk in items.values_list("document_id", flat=True) if pk is not None]
    approved = approved_of(code)
    done, refused = run.items.filter(state=RunItem.State.FINAL).count(), list[str]()
    total = done + len(wanted)
    for first in range(0, len(wanted), CHUNK):
        chunk = wanted[first : first + CHUNK]
        documents = Document.objects.select_related("contract").in_bulk(chunk)
        for pk in chunk:
            checkpoint()
            document = documents.get(pk)
            if document is None:
                raise WrongRunState(f"Run {code} got other drafts meanwhile: look at them and approve them.")
            try:
                with effect(effect_key(document)) as slot:
                    if slot.fresh:
                        slot.keep({"number": finalise_document(run.code, document, approved)})
            except NotAsApproved as why:
                refused.append(str(why))
                continue
            done += 1
            on_progress(done, total)
    if refused:
        more = f" And {len(refused) - SHOWN} more." if len(refused) > SHOWN else ""
        raise NotAsApproved(" ".join(refused[:SHOWN]) + more)
    return _end(run.code, actor)


def approved_of(code: str) -> Approved:
    """Raises WrongRunState where the drafts' digests do not come to the hash that was approved."""
    with transaction.atomic():
        run = locked(code, BillingRun.State.APPROVED, BillingRun.State.FINAL)
        drafts = digests.drafts_of(run.pk)
        if run.approved_hash != run.preview_hash or digests.of_run(drafts) != run.approved_hash:
            raise WrongRunState(f"Run {code} is approved no more: its drafts changed. Prepare it again, and look.")
    return Approved(run.approved_hash, {each.document: each.digest for each in drafts})


def effect_key(document: Document) -> str:
    """The business identity of a period's document."""
    contract = document.contract.code if document.contract else ""
    return f"billing.document:{contract}:{document.period_start}:{document.generation}"


def finalise_document(code: str, document: Document, approved: Approved) -> str:
    """One draft of an approved run, in the caller's transaction. Answers with its number. Raises NotAsApproved where its rows do not give
    the approved digest; WrongRunState."""
    run = locked(code, BillingRun.State.APPROVED, BillingRun.State.FINAL)  # (somebody else may have been faster)
    if not run.approved_hash == run.preview_hash == approved.hash:
        raise WrongRunState(f"Run {code} is approved no more: its drafts changed.")
    drafted = RunItem.objects.filter(run=run, document=document.pk, state=RunItem.State.DRAFTED)
    if drafted.update(state=RunItem.State.FINAL) != 1:
        return _number_of(document, run)
    draft, parts = _as_approved(document.pk, approved)
    if draft.contract is None or draft.issue_date is None or draft.due_date is None:
        raise WrongRunState(f"{draft} is no draft of a billing run.")
    number = next_number(draft.kind)
    Document.objects.filter(pk=draft.pk).update(
        state=Document.State.FINAL, series=number.series, sequence=number.sequence, number=number.text, finalised_at=ports.now()
    )  # fmt: skip
    Standing.objects.create(
        document_id=draft.pk, customer=draft.customer, kind=draft.kind, currency=draft.currency, due_date=draft.due_date,
        gross_minor=draft.gross_minor, state=Standing.State.OPEN if draft.gross_minor else Standing.State.PAID,
    )  # fmt: skip
    place = draft.contract.jurisdiction.code
    books.post(
        f"document:{number.text}", books.legs_of(draft, parts.lines, parts.adjustments, parts.tax_groups, place),
        booked_on=draft.issue_date, customer=draft.customer, currency=draft.currency, document=draft,
    )  # fmt: skip
    return number.text


def _as_approved(pk: UUID, approved: Approved) -> tuple[Document, digests.Parts]:
    """The draft and its parts as they are under its lock: who changes a part waits for that lock (billing/migrations/_guards.py).
    Raises NotAsApproved where they do not give the digest that was approved."""
    held = Document.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "contract__jurisdiction", "customer"
    )
    draft = held.get(pk=pk)
    parts = digests.parts_of(draft)
    if digests.of_document(draft, parts) != approved.digests.get(pk):
        raise NotAsApproved(
            f"The draft of {draft.contract} for the period from {draft.period_start} is not what was approved: something changed its rows."
            " Send it back and draft it again."
        )
    return draft, parts


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
