"""Reminders of what is overdue, by a calendar: each step once, none while it is disputed or promised, none when nothing is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from billing import ports as billing
from billing.amounts import words
from billing.errors import CannotCharge
from billing.models import Customer, Document, Dunning, DunningStep, Payment, Reminder, Standing
from billing.reminding import Step, filled, next_step
from billing.selectors.payments import charges_of, method_of
from billing.selectors.sellers import today
from billing.services import account, collecting
from billing.services.disputes import PAUSED as DISPUTED
from queues.contract import Actor, ports

State = Dunning.State
OPEN = (Standing.State.OPEN, Standing.State.PART_PAID)
PROMISED, PAID = "Promised by {0}.", "Nothing is open any more: {0}."


@dataclass(frozen=True)
class Calendar:
    day: date
    steps: Sequence[DunningStep]

    @classmethod
    def read(cls) -> Calendar:
        return cls(today(), list(DunningStep.objects.order_by("number")))

    def after(self, due: date, done: int, done_on: date | None) -> tuple[DunningStep, date] | None:
        found = next_step([Step(each.number, each.days_after_due) for each in self.steps], due, done, done_on)
        by_number = {each.number: each for each in self.steps}
        return None if found is None else (by_number[found.step.number], found.on)


def remind(
    *, actor: Actor, on_progress: Callable[[int, int, str], None], checkpoint: Callable[[], None]
) -> Counter[str]:
    """Take the step that is due for each overdue invoice, one at most; stop the reminders of those that are settled. Again on the same day
    changes nothing. Each commits by itself. Returns how many came to what."""
    calendar, told = Calendar.read(), Counter[str]()
    overdue = Standing.objects.filter(kind=Document.Kind.INVOICE, state__in=OPEN, due_date__lt=calendar.day)
    settled = Dunning.objects.exclude(state=State.STOPPED).exclude(document__standing__state__in=OPEN)
    keys = [*overdue.order_by("due_date", "pk").values_list("pk", flat=True), *settled.values_list("pk", flat=True)]
    for number, key in enumerate(keys):
        checkpoint()
        on_progress(number, len(keys), "")
        told[_one(Document.objects.get(pk=key), calendar, actor)] += 1
    on_progress(len(keys), len(keys), "")
    return told


def promise(document: Document, until: date, *, actor: Actor, why: str) -> Dunning:
    """The customer pays by this day: nobody is reminded until it is over. Audited. Raises CannotCharge."""
    calendar = Calendar.read()
    with transaction.atomic():
        account.hold(document.customer_id)
        standing = account.held_standing(document)
        if until < calendar.day:
            raise CannotCharge(f"{until} is over: a promise is for today or later.")
        if standing.state not in OPEN:
            raise CannotCharge("Nothing is open on it.")
        row = Dunning.objects.get_or_create(document=document)[0]
        row.promised_until = until
        if row.state != State.PAUSED or row.reason != DISPUTED:
            row.state, row.reason = State.PAUSED, PROMISED.format(until)
        row.save()
        ports.auditor()(
            actor, "dunning.promise", object_type="document", object_id=str(document.pk), object_label=str(document),
            after={"promised_until": until.isoformat()}, why=why,
        )  # fmt: skip
        return row


def _one(document: Document, calendar: Calendar, actor: Actor) -> str:
    """What is done for one document; looked at under its lock, so that a payment of this moment counts."""
    with transaction.atomic():
        customer = account.hold(document.customer_id)
        standing = account.held_standing(document)
        row = Dunning.objects.select_for_update().get_or_create(document=document)[0]
        if standing.state not in OPEN:
            return _rest(row, State.STOPPED, PAID.format(standing.get_state_display().lower()))
        if standing.disputed:
            return _rest(row, State.PAUSED, DISPUTED)
        if row.promised_until is not None and row.promised_until >= calendar.day:
            return _rest(row, State.PAUSED, PROMISED.format(row.promised_until))
        last = Reminder.objects.filter(document=document, step__lte=row.done_step).order_by("step").last()
        found = calendar.after(standing.due_date, row.done_step, last.sent_on if last else None)
        row.state, row.reason, row.next_on = State.ACTIVE, "", found[1] if found else None
        if found is None or found[1] > calendar.day:
            row.save()
            return "waiting" if found else "at the end"
        _take(document, customer, standing, row, found[0], calendar, actor)
        return "reminded"


def _rest(row: Dunning, state: State, reason: str) -> str:
    row.state, row.reason, row.next_on = state, reason, None
    row.save()
    return str(state)


def _take(
    document: Document,
    customer: Customer,
    standing: Standing,
    row: Dunning,
    step: DunningStep,
    calendar: Calendar,
    actor: Actor,
) -> None:
    balance = words(standing.balance_minor, standing.currency)
    values = {
        "number": str(document.number), "balance": balance, "due_date": standing.due_date.isoformat(), "customer": customer.name,
        "fee": words(step.fee_minor, standing.currency),
    }  # fmt: skip
    title, text = filled(step.title, values)[:120], filled(step.text, values)
    outcome = billing.messenger(billing.Letter(customer.code, customer.language, str(document.number), title, text))
    if step.retry:
        outcome = f"{outcome} {_charged_again(document, actor)}"
    Reminder.objects.create(
        document=document, step=step.number, title=title, text=text, balance_minor=standing.balance_minor, currency=standing.currency,
        sent_on=calendar.day, at=ports.now(), outcome=outcome[:200],
    )  # fmt: skip
    row.done_step = step.number
    following = calendar.after(standing.due_date, step.number, calendar.day)
    row.next_on = following[1] if following else None
    row.save()
    ports.auditor()(
        actor, "dunning.remind", object_type="document", object_id=str(document.pk), object_label=str(document),
        after={"step": step.number, "balance_minor": standing.balance_minor}, why=title,
    )  # fmt: skip


def _charged_again(document: Document, actor: Actor) -> str:
    """The saved method is charged once more, unless the last decline of that very method was its last word."""
    if document.contract is None or not document.contract.auto_collect:
        return "Not charged: it is not collected by itself."
    last, method = charges_of(document).last(), method_of(document.customer)
    if last is not None and last.state == Payment.State.FAILED and last.hard and method and method.pk == last.method_id:
        return f"Not charged: {last.failure_code or 'the decline'} is final."
    try:
        collecting.ask(document, actor=actor, why="A step of the reminders' calendar.")
    except CannotCharge as error:
        return f"Not charged: {error}"
    return "The saved method is charged again."
