"""The executor for what may take its process down: each slot has a child process, used again until it is worn out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from queue import Empty

from queues.engine import memory
from queues.engine.execute import crashed, ended_by
from queues.engine.execution import Blocking
from queues.engine.nursery import Child, Nursery
from queues.engine.slots import Report, ThreadSlot
from queues.engine.wire import (
    END,
    ENDED,
    INTERRUPT,
    NOTES,
    RUN,
    STOP,
    pack_order,
    pack_run,
    unpack_ending,
    unpack_notes,
)
from queues.errors import CHILD_DIED, MEMORY_LIMIT, RoundsmanError, TransientError
from queues.ledger.facts import Batch, Claim, Ending

KILL_AFTER_S = 1.0  # a child that was interrupted and goes on is killed
WORN_AT = 0.8  # of its memory limit


@dataclass(frozen=True)
class ChildRules:
    """When a child is replaced: after so many runs, or when idle for so long (seconds)."""

    max_runs: int = 1000
    idle_s: float = 60.0


class ChildSlot(ThreadSlot):
    """A thread that waits for its child process."""

    def __init__(
        self,
        report: Report,
        through: Callable[[], None],
        moved: Callable[[], None],
        rest: Callable[[], None],
        nursery: Nursery,
        rules: ChildRules,
    ) -> None:
        super().__init__(report, through, moved, rest)
        self.nursery, self.rules = nursery, rules
        self.child: Child | None = None

    def execution(self, claim: Claim) -> Blocking:
        return ChildExecution(claim, self)

    def next_batch(self) -> Batch | None:
        batch = None
        try:
            batch = self.inbox.get(timeout=self.rules.idle_s)
        except Empty:
            self.dismiss()
            batch = self.inbox.get()
        if batch is None or (self.child is not None and self.child.memory_limit_mb != batch.memory_limit_mb):
            self.dismiss()
        return batch

    def hire(self) -> Child:
        """The slot's child. Raises OSError where the machine has no more to give."""
        if self.child is not None and self.child.wire.gone():
            self.bury()  # it died while it was idle
        if self.child is None:
            self.child = self.nursery.child(self.batch.memory_limit_mb if self.batch is not None else 0)
        return self.child

    def replace_if_worn(self) -> None:
        child = self.child
        if child is None:
            return
        child.runs += 1
        most_mb = child.memory_limit_mb * WORN_AT
        if child.runs >= self.rules.max_runs or (most_mb and memory.rss_mb(child.pid) > most_mb):
            self.dismiss()

    def dismiss(self) -> None:
        """Let the child go, if there is one."""
        if self.child is not None:
            try:
                self.child.wire.send(END)
            except OSError:
                pass
            self.bury()

    def bury(self) -> str:
        child, self.child = self.child, None
        return self.nursery.bury(child) if child is not None else ""


class ChildExecution(Blocking):
    """A run in the slot's child process, whatever becomes of that."""

    def __init__(self, claim: Claim, slot: ChildSlot) -> None:
        super().__init__(claim)
        self.slot = slot
        self._child: Child | None = None
        self._interrupted_s: float | None = None
        self._killed_for: type[RoundsmanError] | None = None
        self._used_mb = 0.0

    def run(self) -> Ending | None:
        try:
            child = self._child = self.slot.hire()
        except OSError as error:
            return ended_by(self.context, NoChild(f"No child process could be started: {error}"))
        try:
            child.teach()
            child.wire.send(RUN, pack_run(self.context.claim))
            ending = self._listen(child)
        except (EOFError, OSError):
            return self._died(child)
        except Exception as error:  # it said what cannot be understood: a failed attempt like any other
            child.kill()
            self.slot.bury()
            return ended_by(self.context, error)
        finally:
            self._child = None
        if ending is not None and ending.error_code == MEMORY_LIMIT:
            self.slot.bury()
        else:
            self.slot.replace_if_worn()
        return ending

    def stop(self, why: type[RoundsmanError]) -> None:
        super().stop(why)
        self._say(STOP, why)

    def enforce(self, now_s: float) -> None:
        super().enforce(now_s)
        child = self._child
        if child is not None:
            try:
                child.teach()
            except OSError:
                pass  # it is gone: `run` sees it too
        if child is not None and child.memory_limit_mb and not self._used_mb:
            used_mb = memory.rss_mb(child.pid)
            if used_mb > child.memory_limit_mb:
                self._used_mb = used_mb
                child.kill()

    def interrupt(self, error: type[RoundsmanError]) -> None:
        now_s, child = time.monotonic(), self._child
        if self._interrupted_s is None:
            self._interrupted_s = now_s
        if child is not None and now_s - self._interrupted_s > KILL_AFTER_S:
            self._killed_for = error
            child.kill()
        else:
            self._say(INTERRUPT, error)

    def _say(self, kind: bytes, why: type[RoundsmanError]) -> None:
        child = self._child
        if child is not None:
            try:
                child.wire.send(kind, pack_order(self.context.claim, why))
            except OSError:
                pass  # it is gone: `run` sees it too

    def _listen(self, child: Child) -> Ending | None:
        while True:
            frame = child.wire.read()
            if frame is not None and frame.kind == NOTES:
                self.context.absorb(*unpack_notes(frame.body))
            elif frame is not None and frame.kind == ENDED:
                ending = unpack_ending(frame.body, self.context.claim)
                if ending is None:
                    return None
                _, lines = self.context.take_notes()
                return replace(
                    ending, log=[*lines, *ending.log], progress=ending.progress or self.context.last_progress
                )

    def _died(self, child: Child) -> Ending | None:
        """The child is gone without an ending: by our hand, or by the job's."""
        how = self.slot.bury()
        if self._used_mb:
            much = f"It used {self._used_mb:.0f} MB of memory; its queue allows {child.memory_limit_mb} MB."
            return crashed(self.context, "MemoryLimit", MEMORY_LIMIT, much)
        if self._killed_for is not None:
            return ended_by(self.context, self._killed_for())
        if self.context.stopped_for is not None:
            return ended_by(self.context, self.context.stopped_for())
        return crashed(self.context, "ChildDied", CHILD_DIED, how)


class NoChild(TransientError):
    """The machine cannot start another process now."""

    code = "no_child"
