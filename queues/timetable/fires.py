"""Fires happen here: each is inserted together with its run, once, however many schedulers ask.

A schedule is taken in a short transaction of its own: its row is locked (on SQLite the transaction itself is the lock),
looked at again, and the fires that are due are written with their runs. (schedule, fire time) is unique beneath that.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet

from queues import failpoints
from queues.contract import Actor, RunRef
from queues.errors import PermanentError, RoundsmanError, WrongState
from queues.ledger import clock, runs, states
from queues.ledger.brief import brief
from queues.models import Fire, Run, Schedule
from queues.timetable import misfire
from queues.timetable.facts import timing_of
from queues.timetable.misfire import Plan, Planned, Policy

log = logging.getLogger("roundsman.scheduler")
AWAY = (OperationalError, InterfaceError)
SCHEDULES = 500  # looked at in one tick; more are due at once in the next
Pairs = list[tuple[str, UUID]]
Outcome = Fire.Outcome


def tick(now: datetime | None = None, limit: int = misfire.LIMIT) -> Pairs:
    """Fire what is due, at most `limit` fires of a schedule; what is beyond stays due for the next tick.

    Returns the (queue, run id) pairs that came to be, for the caller to release. One schedule that cannot be fired is
    logged and stops no other. Raises OperationalError or InterfaceError while the database is away.
    """
    at, pairs = now or clock.now(), Pairs()
    due = _active().filter(next_fire_at__lte=at).order_by("next_fire_at", "pk").values_list("pk", flat=True)
    for pk in list(due[:SCHEDULES]):
        try:
            pairs += _take(pk, at, limit)
        except AWAY:
            if not pairs:
                raise
            break  # what was committed is returned; the next tick tells that the database is away
        except Exception:
            log.exception("Schedule %s could not be fired; it is tried again at the next tick.", pk)
    return pairs


def next_due() -> datetime | None:
    """When the next schedule is due; None when nothing is to come. It may have passed already."""
    rows = _active().filter(next_fire_at__isnull=False)
    return rows.order_by("next_fire_at").values_list("next_fire_at", flat=True).first()


def _active() -> QuerySet[Schedule]:
    return Schedule.objects.filter(enabled=True, paused_at__isnull=True)


def _take(pk: int, now: datetime, limit: int) -> Pairs:
    with brief():
        locked = _active().select_for_update(skip_locked=True, of=("self",)).select_related("definition")
        schedule = locked.filter(pk=pk, next_fire_at__lte=now).first()
        if schedule is None or schedule.next_fire_at is None:
            return []  # another scheduler was here first, or somebody paused it
        first = schedule.next_fire_at
        try:
            plan = misfire.plan(timing_of(schedule), cast(Policy, schedule.misfire), first, now, limit)
        except PermanentError as error:  # its zone left the tz database, or somebody wrote the row by hand
            log.error("Schedule %r fires no more until it is mended: %s", schedule.name, error)
            plan = Plan((), None)
            Fire.objects.bulk_create([_row(schedule, first, Outcome.REFUSED, str(error))], ignore_conflicts=True)
        taking = _Taking(schedule, now)
        taking.go_through(plan)
        taking.store()
        failpoints.reach("fire.written")
    failpoints.reach("fire.committed")
    return taking.pairs


@dataclass
class _Taking:
    """One schedule's due fires on their way into the ledger, inside its transaction."""

    schedule: Schedule
    now: datetime
    rows: list[Fire] = field(default_factory=list)
    pairs: Pairs = field(default_factory=list)
    next_fire_at: datetime | None = None

    def go_through(self, plan: Plan) -> None:
        self.next_fire_at = plan.next_fire_at
        times = [planned.fire_at for planned in plan.fires]
        known = set(self.schedule.fires.filter(fire_at__in=times).values_list("fire_at", flat=True))
        earlier = Run.objects.filter(schedule=self.schedule, state__in=states.LIVE)
        live = list(earlier.order_by("id").values_list("id", flat=True))
        for planned in plan.fires:
            if planned.fire_at in known:
                continue  # its time was set back: what has fired does not fire again
            if planned.outcome == "missed":
                self._note(planned, Outcome.MISSED, planned.note)
            elif not self._fire(planned, live):
                self.next_fire_at = planned.fire_at
                break

    def store(self) -> None:
        Fire.objects.bulk_create(self.rows)
        fired = [row.fire_at for row in self.rows if row.outcome == Outcome.FIRED]
        last = {"last_fire_at": fired[-1]} if fired else {}
        Schedule.objects.filter(pk=self.schedule.pk).update(next_fire_at=self.next_fire_at, **last)

    def _fire(self, planned: Planned, live: list[UUID]) -> bool:
        """False: not yet, ask again at the next tick."""
        schedule = self.schedule
        if live and schedule.overlap == Schedule.Overlap.SKIP:
            self._note(planned, Outcome.OVERLAPPED, f"The run {live[-1]} of an earlier fire is not finished.")
            return True
        try:
            run = self._new_run(planned)
        except Exception as error:
            known = isinstance(error, RoundsmanError)
            log.error("Schedule %r: its fire at %s is refused: %s", schedule.name, planned.fire_at, error,
                      exc_info=not known)  # fmt: skip
            self._note(planned, Outcome.REFUSED, str(error) if known else f"{type(error).__name__}: {error}")
            return True
        if live and schedule.overlap == Schedule.Overlap.REPLACE:
            still_running = self._cancel(live)
            if still_running and run.dedupe_key is not None:
                return False  # the definition allows one live run: fire as soon as the old one has stopped
            live.clear()
        (ref,) = runs.create([run])
        self._created(planned, run, ref)
        live.append(ref.id)
        return True

    def _new_run(self, planned: Planned) -> Run:
        """Not yet inserted. Runs of one schedule run one after the other, unless the job keeps keys of its own."""
        schedule = self.schedule
        request = runs.request_for(
            schedule.definition,
            schedule.params,
            actor=_actor(schedule),
            schedule_id=schedule.pk,
            fire_at=planned.fire_at,
        )
        run = runs.new_run(request)
        if not run.concurrency_key:
            run.concurrency_key, run.key_limit = f"schedule:{schedule.pk}", 1
        return run

    def _cancel(self, live: Sequence[UUID]) -> bool:
        """Ask the runs before to stop. Whether one of them is still running."""
        running = False
        for run_id in live:
            try:
                before = runs.request_cancel(run_id, actor=_actor(self.schedule), why="Replaced by the next fire.")
                running = running or before.state == states.RUNNING
            except (WrongState, Run.DoesNotExist):
                continue  # it finished meanwhile
        return running

    def _created(self, planned: Planned, run: Run, ref: RunRef) -> None:
        if not ref.created:
            note = f"The definition allows one live run at a time, and {ref.id} is not finished."
            self._note(planned, Outcome.OVERLAPPED, note)
            return
        self._note(planned, Outcome.FIRED, planned.note, ref.id)
        self.pairs.append((run.queue, ref.id))

    def _note(self, planned: Planned, outcome: str, note: str, run_id: UUID | None = None) -> None:
        self.rows.append(_row(self.schedule, planned.fire_at, outcome, note, run_id))


def _row(schedule: Schedule, fire_at: datetime, outcome: str, note: str = "", run_id: UUID | None = None) -> Fire:
    return Fire(
        schedule=schedule, fire_at=fire_at, outcome=outcome, note=note[:300], run_id=run_id, created_at=clock.now()
    )


def _actor(schedule: Schedule) -> Actor:
    return Actor(label=f"schedule {schedule.name}", source="schedule")
