"""All of a billing run's documents whose customers agreed to it are charged; a decline stops nobody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db.models import QuerySet

from billing.errors import CannotCharge
from billing.models import BillingRun, Document, Payment, Standing
from billing.selectors.payments import charges_of
from billing.services.collecting import CallOut, charge
from queues.contract import Actor, ports
from queues.errors import WrongState
from queues.outbound import NotSent

GIVE_UP_AFTER = 3  # documents in a row that the provider was not there for
Progress = Callable[[int, int, str], None]


@dataclass
class Collected:
    """How many documents came to what; `why_not` counts those that were not charged by reason, `after_s` is when to come again."""

    states: Counter[str] = field(default_factory=Counter)
    why_not: Counter[str] = field(default_factory=Counter)
    left: int = 0
    after_s: float | None = None


def collect(
    run: BillingRun, call: CallOut, *, actor: Actor, on_progress: Progress, checkpoint: Callable[[], None]
) -> Collected:
    """Make the first attempt for each document, or go on with it. Again, or twice at once, charges nothing twice. Raises WrongState."""
    if run.state != BillingRun.State.FINAL:
        raise WrongState(f"Only a final run is collected; {run.code} is {run.get_state_display().lower()}.")
    documents, told = list(due(run)), Collected()
    silent = 0
    for number, document in enumerate(documents):
        checkpoint()
        on_progress(number, len(documents), str(document.number))
        try:
            told.states[_one(document, call, actor).state] += 1
            silent = 0
        except CannotCharge as error:
            told.why_not[str(error)] += 1
        except NotSent as error:
            told.left += 1
            told.after_s = max(told.after_s or 0.0, error.after_s or 0.0)
            silent += 1
            if silent == GIVE_UP_AFTER:
                told.left += len(documents) - number - 1
                break
    on_progress(len(documents) - told.left, len(documents), "")
    if not told.left:
        BillingRun.objects.filter(pk=run.pk, collected_at=None).update(collected_at=ports.now())
    return told


def due(run: BillingRun) -> QuerySet[Document]:
    """What is open on the run's invoices, of contracts that are collected by themselves."""
    return (
        run.documents.filter(
            state=Document.State.FINAL, kind=Document.Kind.INVOICE, contract__auto_collect=True,
            standing__state__in=(Standing.State.OPEN, Standing.State.PART_PAID),
        ).select_related("customer").order_by("sequence")
    )  # fmt: skip


def _one(document: Document, call: CallOut, actor: Actor) -> Payment:
    first = charges_of(document).first()
    if first is not None and first.state == Payment.State.FAILED:
        raise CannotCharge("It was declined before: the reminders' calendar says when it is tried again.")
    return charge(document, 1, call, actor=actor)
