"""An approved run becomes final, some documents in each transaction (final_documents.py).

Who is stopped in the middle goes on where it stopped. A draft that is not what was approved is refused; the others are made final all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from billing.errors import NotAsApproved, UnknownRun, WrongRunState
from billing.models import BillingRun, RunItem
from billing.services import digests
from billing.services.final_documents import Approved, make_final
from billing.services.runs import Told, figures, locked
from queues.contract import Actor, EffectSlot, ports

BATCH = 20  # documents of a transaction: what a crash loses, and how long others wait on SQLite
Effects = Callable[[Sequence[str]], AbstractContextManager[Mapping[str, EffectSlot]]]


class Once:
    """The slot of an effect that nobody keeps: a document is final once by itself."""

    fresh, result = True, None

    def keep(self, result: object) -> None:
        """Nobody asks."""


@contextmanager
def plainly(keys: Sequence[str]) -> Iterator[dict[str, Once]]:
    """For those who are no job: a transaction."""
    with transaction.atomic():
        yield {key: Once() for key in keys}


class Draft(NamedTuple):
    """A draft to be made final, by the business identity of its period's document."""

    pk: UUID
    contract: str
    period_start: date
    generation: int

    @property
    def effect_key(self) -> str:
        return f"billing.document:{self.contract}:{self.period_start}:{self.generation}"


def finalise(
    code: str, *, actor: Actor, effects: Effects = plainly, on_progress: Told = lambda done, total: None,
    checkpoint: Callable[[], None] = lambda: None,
) -> BillingRun:  # fmt: skip
    """Make an approved run final. Of one that is final already nothing changes. `effects`: a job's transaction for what happens once.

    Raises UnknownRun, WrongRunState (NotAsApproved at the end, where single drafts are refused), and whatever `checkpoint` raises; what
    is final by then stays final.
    """
    run = BillingRun.objects.filter(code=code).first()
    if run is None:
        raise UnknownRun(code)
    if run.state == BillingRun.State.FINAL:
        return run
    wanted, approved = _drafts_of(run), approved_of(code)
    done, refused = run.items.filter(state=RunItem.State.FINAL).count(), dict[UUID, str]()
    total = done + len(wanted)
    for first in range(0, len(wanted), BATCH):
        checkpoint()
        batch = wanted[first : first + BATCH]
        wrong = _made_final(code, batch, approved, effects)
        done, refused = done + len(batch) - len(wrong), refused | wrong
        on_progress(done, total)
    if refused:
        raise NotAsApproved(refused)
    return _end(run.code, actor)


def _drafts_of(run: BillingRun) -> list[Draft]:
    """In the order of contracts and periods: that of the numbers. One query."""
    items = run.items.filter(state=RunItem.State.DRAFTED, document__isnull=False)
    rows = items.order_by("contract__code", "period_start").values_list(
        "document_id", "contract__code", "period_start", "document__generation"
    )
    return [Draft(*row) for row in rows]


def _made_final(code: str, batch: Sequence[Draft], approved: Approved, effects: Effects) -> dict[UUID, str]:
    """In one transaction; where some are refused, the others in another. Returns those, with the reason."""
    refused: dict[UUID, str] = {}
    while batch:
        try:
            with effects([each.effect_key for each in batch]) as slots:
                fresh = {each.pk: slots[each.effect_key] for each in batch if slots[each.effect_key].fresh}
                for pk, number in make_final(code, list(fresh), approved).items():
                    fresh[pk].keep({"number": number})
            break
        except NotAsApproved as error:
            refused |= error.why
            batch = [each for each in batch if each.pk not in refused]
    return refused


def approved_of(code: str) -> Approved:
    """Raises WrongRunState where the drafts' digests do not come to the hash that was approved."""
    with transaction.atomic():
        run = locked(code, BillingRun.State.APPROVED, BillingRun.State.FINAL)
        drafts = digests.drafts_of(run.pk)
        if run.approved_hash != run.preview_hash or digests.of_run(drafts) != run.approved_hash:
            raise WrongRunState(f"Run {code} is approved no more: its drafts changed. Prepare it again, and look.")
    return Approved(run.approved_hash, {each.document: each.digest for each in drafts})


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
