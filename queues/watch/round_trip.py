"""A run through every queue that does nothing: asked for, taken by a worker, finished, and seen to be so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from queues import registry
from queues.contract import Actor
from queues.engine.identity import Identity
from queues.engine.memory import rss_mb
from queues.errors import WrongState
from queues.ledger import clock, runs, states
from queues.ledger.facts import Claim, Ending
from queues.ledger.queue_settings import QueueSettings, all_effective
from queues.models import Run, Slot
from queues.watch.findings import Finding, Level
from queues.watch.look import workers_now

PING = "queues.ping"
KEY = "queues.ping"  # its own concurrency key: it does not stand behind another key's backlog
PAUSE_S = 0.05


@dataclass(frozen=True)
class Trip:
    queue: QueueSettings
    run_id: UUID
    began_s: float  # monotonic


def round_trips(
    timeout_s: float, *, alone: bool = False, pause: Callable[[float], object] = time.sleep
) -> Iterator[Finding]:
    """Every queue's, as they end; those that nobody finishes within `timeout_s` are cancelled, and leave nothing behind.

    `alone`: no worker is needed. What this takes and finishes by itself are its own pings and nobody else's run.
    Raises DatabaseError.
    """
    served = {name for worker in workers_now(clock.now()) for name in worker.queues}
    trips: list[Trip] = []
    for queue in all_effective().values():
        hindered = _hindered(queue, served, alone)
        if hindered is None:
            trips.append(_begin(queue))
        else:
            yield hindered
    hand = _Hand() if alone and trips else None
    try:
        yield from _until_all_ended(trips, timeout_s, hand, pause)
    finally:
        for trip in trips:
            _cancel(trip)
        if hand is not None:
            hand.identity.stopped()


def _hindered(queue: QueueSettings, served: set[str], alone: bool) -> Finding | None:
    """Why no ping is sent."""
    name = queue.name
    if not queue.enabled:
        return _found(
            name, "warning", "Not tried: it is switched off.", "Switch it on in the admin: Queues, or Switches."
        )
    if queue.paused:
        text = f"Not tried: {queue.paused_by} paused it: {queue.pause_reason}"
        return _found(name, "warning", text, "Resume it in the admin: Queues.")
    if queue.draining:
        text = f"Not tried: {queue.drain_by} drains it, and a new run would wait: {queue.drain_reason}"
        return _found(name, "warning", text, "Resume it in the admin: Queues.")
    if name not in served and not alone:
        return _found(name, "fault", "No running worker serves it.", f"python manage.py rqworker {name}")
    return None


def _begin(queue: QueueSettings) -> Trip:
    spec = registry.get(PING)
    ref = spec.enqueue(
        registry.NoParams(), actor=Actor(label="validate", source="command"), queue=queue.name, concurrency_key=KEY
    )
    return Trip(queue, ref.id, time.monotonic())


def _until_all_ended(
    trips: list[Trip], timeout_s: float, hand: _Hand | None, pause: Callable[[float], object]
) -> Iterator[Finding]:
    left = {trip.run_id: trip for trip in trips}
    end_s = time.monotonic() + timeout_s
    while left:
        if hand is not None:
            for trip in left.values():
                hand.take(trip)
        for run in Run.objects.filter(pk__in=left).exclude(state__in=states.LIVE):
            yield _ended(left.pop(run.pk), run)
        if left and time.monotonic() > end_s:
            for trip in left.values():
                yield _stuck(trip, timeout_s)
            return
        if left:
            pause(PAUSE_S)


def _ended(trip: Trip, run: Run) -> Finding:
    if run.state == states.SUCCEEDED and run.finished_at is not None:
        took_s = (run.finished_at - run.created_at).total_seconds()
        return _found(trip.queue.name, "ok", f"asked for, taken and finished in {took_s * 1000:.0f} ms")
    mend = (
        "Start its workers anew: they may run an older version." if run.error_type == "UnknownJob" else "See its page."
    )
    text = f"The ping ended as {run.state}: {run.error_message or 'without a reason'} (run {run.pk})"
    return _found(trip.queue.name, "fault", text, mend)


def _stuck(trip: Trip, timeout_s: float) -> Finding:
    queue = trip.queue
    busy = Slot.objects.filter(queue=queue.name).count()
    due = Run.objects.filter(queue=queue.name, state=states.PENDING).exclude(pk=trip.run_id).count()
    if busy >= queue.concurrency:
        why, mend = f"All its slots ({busy}) are busy.", "Raise its concurrency, or wait and try again."
    elif queue.rate_limit and due:
        why, mend = (
            f"Its rate is {queue.rate_limit}, and {due} runs wait.",
            "Wait and try again, with a longer --timeout.",
        )
    else:
        why, mend = f"{due} other runs wait, {busy} of {queue.concurrency} slots are busy.", "Look at its workers' log."
    return _found(queue.name, "fault", f"Not finished within {timeout_s:g} s; the ping is cancelled. {why}", mend)


def _cancel(trip: Trip) -> None:
    """Also when somebody interrupts us: no ping is left waiting."""
    try:
        if not Run.objects.filter(pk=trip.run_id).exclude(state__in=states.LIVE).exists():
            runs.request_cancel(
                trip.run_id, actor=Actor(label="validate", source="command"), why="Nobody waits for it."
            )
    except (WrongState, Run.DoesNotExist):
        pass  # it has just ended


def _found(queue: str, level: Level, text: str, mend: str = "") -> Finding:
    return Finding("queues", queue, level, text, mend)


class _Hand:
    """Takes and finishes pings by itself. Entered among the workers, so that what it holds is taken back if it dies."""

    def __init__(self) -> None:
        self.identity = Identity("validate", [], 0)
        self.identity.register()

    def take(self, trip: Trip) -> None:
        """This ping alone, if a slot is free and no worker was quicker."""
        runs.renew(self.identity.id, busy=0, rss_mb=rss_mb())
        for batch in runs.claim(trip.queue.name, [trip.run_id], worker_id=self.identity.id, slots=1, share=1).batches:
            runs.finish([_done(claim) for claim in batch.claims], slots=[batch.token])


def _done(claim: Claim) -> Ending:
    now = clock.now()
    return Ending(claim=claim, state=states.SUCCEEDED, started_at=now, finished_at=now)
