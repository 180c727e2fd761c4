"""For each numbered step of the protocol: how a process of the right kind is brought there, to die, and who goes on.

A scene asks for jobs numbered from `first`; afterwards the lane is quiet again. Raises NotReached.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from project.chaos import schedules
from project.chaos.lane import Lane
from project.chaos.orders import Ask, business_key

FIRES_S = 2.2  # how long a schedule of one second goes on after its scheduler's death
Scene = Callable[[Lane, str, int], None]


def by_a_scheduler(lane: Lane, point: str, first: int) -> None:
    name = schedule_name(first)
    schedules.set_up({name: 1})
    lane.dies(lane.start("scheduler", point=point))
    healthy = lane.start("scheduler")
    worker = lane.start("worker")
    until = time.monotonic() + FIRES_S
    lane.wait(lambda: time.monotonic() > until)
    schedules.stop()
    lane.heal([healthy, worker])


def by_a_client(lane: Lane, point: str, first: int) -> None:
    """It asks in a transaction that writes a business row too: both are there afterwards, or neither."""
    lane.dies(lane.asker(Ask(first, 1, "report", "ordered"), point))
    lane.heal()


def by_a_reconciler(lane: Lane, point: str, first: int) -> None:
    """Runs fall due."""
    lane.ask(Ask(first, 1, "report", "later", delay_s=0.3))
    lane.ask(Ask(first + 1, 1, "document", "later", delay_s=0.3))
    lane.dies(lane.start("reconciler", point=point))
    lane.heal()


def by_a_worker(lane: Lane, point: str, first: int) -> None:
    kind = "document" if point.startswith("effect") else "charge" if point.startswith("call") else "report"
    lane.ask(Ask(first, 3, kind, "many"))
    lane.dies(lane.start("worker", slots=1, point=point))
    lane.heal()


def by_a_leaving_worker(lane: Lane, point: str, first: int) -> None:
    """Of a batch one runs and the others wait, when it is asked to go.

    A busy machine may be seconds late with the asking: the last of the batch must still be waiting then.
    """
    lane.ask(Ask(first, 5, "report", "many", work_s=1.0))
    worker = lane.start("worker", slots=1, point=point)
    lane.wait(lambda: lane.running(business_key(first)))
    lane.mother.strike(worker, signal.SIGTERM)
    lane.dies(worker)
    lane.heal()


def by_a_rescuer(lane: Lane, point: str, first: int) -> None:
    """A worker is killed with runs in hand; whoever finds that out dies in the midst of the rescue."""
    lane.ask(Ask(first, 3, "report", "many", work_s=0.5))
    worker = lane.start("worker", slots=1)
    lane.wait(lambda: lane.running(business_key(first)))
    lane.kill(worker)
    lane.dies(lane.start("reconciler", point=point))
    lane.heal()


SCENES: dict[str, Scene] = {
    "fire": by_a_scheduler,
    "enqueue": by_a_client,
    "promote": by_a_reconciler,
    "release": by_a_client,
    "take": by_a_worker,
    "claim": by_a_worker,
    "start": by_a_worker,
    "effect": by_a_worker,
    "call": by_a_worker,
    "finish": by_a_worker,
    "give_back": by_a_leaving_worker,
    "rescue": by_a_rescuer,
}


def scene_of(point: str) -> Scene:
    """By the point's first word. Raises KeyError for a point that no scene leads to."""
    return SCENES[point.split(".")[0]]


def schedule_name(first: int) -> str:
    return f"scene {first}"
