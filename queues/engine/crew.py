"""All that executes runs in a worker process: so many slots, of whatever executor the claimed batch asks for."""

from __future__ import annotations

import threading
from uuid import UUID

from queues.engine.children import ChildRules, ChildSlot
from queues.engine.execution import Execution
from queues.engine.loop import Loop
from queues.engine.nursery import Nursery
from queues.engine.slots import Executor, Report, Slot, Threads, ThreadSlot
from queues.errors import RoundsmanError, RunCancelled
from queues.ledger.facts import Batch


class Crew:
    """`size` slots. `give` a batch only when one is free."""

    def __init__(self, slots: int, report: Report, nursery: Nursery, children: ChildRules) -> None:
        self.size, self._free = slots, slots
        self._changed = threading.Condition()
        self._executors: dict[str, Executor] = {
            "threads": Threads(lambda rest: ThreadSlot(report, self.done, self.moved, rest)),
            "asyncio": Loop(report, self.done, self.moved),
            "children": Threads(lambda rest: ChildSlot(report, self.done, self.moved, rest, nursery, children)),
        }

    @property
    def slots(self) -> list[Slot]:  # type: ignore[type-arg]
        return [slot for executor in self._executors.values() for slot in executor.slots]

    @property
    def free(self) -> int:
        return self._free

    @property
    def busy(self) -> int:
        return self.size - self._free

    def wait_free(self, timeout_s: float, deep: str | None = None) -> int:
        """How many slots are free, waiting for the first, or for one that `followable(deep)` would name."""
        with self._changed:
            self._changed.wait_for(lambda: self._free > 0 or bool(deep and self.followable(deep)), timeout_s)
            return self._free

    def wait_followable(self, queue: str, timeout_s: float) -> bool:
        """Whether there is anything that `followable` would name, waiting for it."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self.followable(queue)), timeout_s)

    def followable(self, queue: str) -> list[Batch]:
        """The running batches of this queue that nothing follows yet."""
        return [
            batch
            for slot in self.slots
            if (batch := slot.batch) is not None
            and slot.following is None
            and not slot.alone
            and batch.queue == queue
            and not batch.limited
        ]

    def wait_idle(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._free == self.size, timeout_s)

    def follow(self, batch: Batch) -> bool:
        """Run it where `batch.behind` runs, after that; in a free slot where that is over. False: it cannot run there
        (what is in front takes long, or the queue's executor was changed), and nowhere else before that is over."""
        for slot in self.slots:
            before = slot.batch
            if before is not None and before.token == batch.behind:
                if before.executor != batch.executor:
                    slot.alone = True  # or it would be tried again and again, each try a slot until it is given back
                    return False
                return slot.follow(batch)
        self.give(batch)
        return True

    def give(self, batch: Batch) -> None:
        with self._changed:
            self._free -= 1
        self._executors[batch.executor].give(batch)

    def moved(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def done(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Let threads and children end. Nothing may be given any more."""
        for executor in self._executors.values():
            executor.close()

    def executions(self) -> list[Execution]:
        return [execution for slot in self.slots if (execution := slot.current) is not None]

    def stop_all(self, why: type[RoundsmanError]) -> None:
        for execution in self.executions():
            execution.stop(why)

    def cancel(self, run_ids: set[UUID]) -> None:
        for execution in self.executions():
            if execution.context.run_id in run_ids and execution.context.stopped_for is None:
                execution.stop(RunCancelled)
