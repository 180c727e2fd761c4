"""The executor for handlers that wait more than they compute: an event loop in one thread, a slot being a task on it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import connections

from queues import log_context
from queues.engine.execute import ended_by, execute_async
from queues.engine.execution import Execution, Interruptible, raise_in
from queues.engine.slots import Executor, Report, Slot
from queues.errors import RoundsmanError
from queues.ledger.facts import Batch, Claim, Ending


class Loop(Executor):
    """Starts its thread with the first batch. Slots are as many as are busy at once, and are kept."""

    def __init__(self, report: Report, through: Callable[[], None], moved: Callable[[], None]) -> None:
        self._report, self._through, self._moved = report, through, moved
        self._slots: list[LoopSlot] = []
        self._idle: list[LoopSlot] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self.thread: threading.Thread | None = None

    @property
    def slots(self) -> list[Slot]:  # type: ignore[type-arg]
        return [*self._slots]

    def give(self, batch: Batch) -> None:
        loop = self._running()
        with self._lock:
            if not self._idle:
                self._slots.append(slot := LoopSlot(self._report, self._through, self._moved, loop))
                self._idle.append(slot)
            slot = self._idle.pop()
        asyncio.run_coroutine_threadsafe(self._serve(slot, batch), loop)

    def close(self) -> None:
        if self._loop is not None and self.thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self.thread.join(1.0)  # one that is held up by a handler ends with the process

    async def _serve(self, slot: LoopSlot, batch: Batch) -> None:
        await slot.serve(batch)
        with self._lock:
            self._idle.append(slot)
        slot.through()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self.thread = threading.Thread(target=_turn, args=(self._loop,), name="loop", daemon=True)
            self.thread.start()
        return self._loop


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    """Until it is stopped; then what is left is cancelled."""
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=1.0))
    finally:
        loop.close()


class LoopSlot(Slot["LoopExecution"]):
    """A batch runs serially in one task."""

    def __init__(
        self,
        report: Report,
        through: Callable[[], None],
        moved: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(report, through, moved)
        self.loop = loop

    def execution(self, claim: Claim) -> LoopExecution:
        return LoopExecution(claim, self.loop)

    async def serve(self, batch: Batch) -> None:
        try:
            execution = self.begin(batch)
            while execution is not None:
                execution = self.ended(execution, await execution.run())
        except BaseException as error:
            self.abandon(error)
            if isinstance(error, asyncio.CancelledError):
                raise


class LoopExecution(Execution):
    """A coroutine is cancelled where it awaits; one that computes, and a handler that is none, as a thread would be."""

    def __init__(self, claim: Claim, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(claim)
        self._loop = loop
        self._task: asyncio.Task[None] | None = None  # its slot's; None before it has begun and after it has ended
        self._blocking = Interruptible()  # around a handler that is no coroutine function
        self._why: type[RoundsmanError] | None = None
        self._loop_thread = 0

    async def run(self) -> Ending | None:
        """In its slot's task: one a run would cost as much as all the rest."""
        self._loop_thread = threading.get_ident()
        self._task = task = asyncio.current_task()
        assert task is not None, "a slot is a task"
        try:
            return await self._run()
        except asyncio.CancelledError:
            if self._why is None and task.cancelling():
                raise  # the loop comes to its end: what the slot holds goes back
            while task.cancelling():
                task.uncancel()
            return ended_by(self.context, self._why() if self._why is not None else RuntimeError("It was cancelled."))
        finally:
            self._task = None

    def interrupt(self, error: type[RoundsmanError]) -> None:
        if self._blocking.interrupt(error):
            return
        deaf, self._why = self._why is not None, error
        task = self._task
        if task is None:
            return
        self._loop.call_soon_threadsafe(self._cancel)
        if deaf and asyncio.current_task(self._loop) is task:  # it holds up the whole loop
            raise_in(self._loop_thread, error)

    def _cancel(self) -> None:
        """On the loop: so the slot's task is in this run's code, or this run is over."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> Ending | None:
        log_context.run_id.set(str(self.context.run_id))  # of its slot's task alone
        async with ThreadSensitiveContext() as own:  # threads of its own: no run waits for another's database work
            try:
                return await execute_async(self.context, self._beside)
            finally:
                if own in SyncToAsync.context_to_thread_executor:
                    await sync_to_async(connections.close_all)()

    async def _beside(self, handler: Callable[[Any, Any], Any], ctx: Any, params: Any) -> Any:
        return await sync_to_async(self._call)(handler, ctx, params)

    def _call(self, handler: Callable[[Any, Any], Any], ctx: Any, params: Any) -> Any:
        with self._blocking:
            return handler(ctx, params)
