"""Requests that wait for the end of a run: they hold neither a thread nor a connection meanwhile.

On the event loop one task asks for all of them in one statement: of each 20 ms after it came, then ever more rarely, a
quarter of a second apart at most. Where there is no event loop (WSGI) the request's own thread asks at the same pace.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import connection

from queues.api.polling import ask
from queues.api.problems import is_away
from queues.watch.run_news import ended_of

log = logging.getLogger("roundsman.web")
FIRST_S, LAST_S, GROWTH = 0.02, 0.25, 1.5
TOGETHER_S = 0.01  # who is due as soon as this is asked for along with the others

Ended = Callable[[Iterable[UUID]], set[UUID]]


@dataclass(eq=False)
class _Waiter:
    run_id: UUID
    ended: asyncio.Future[None]
    next_s: float
    pause_s: float = FIRST_S


class Waits:
    """All who wait on one event loop."""

    def __init__(self, ended: Ended = ended_of) -> None:
        self._ended = ended
        self._waiters: set[_Waiter] = set()
        self._came = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def end_of(self, run_id: UUID, within_s: float) -> bool:
        """Whether the run ended (or is gone) in time."""
        loop = asyncio.get_running_loop()
        waiter = _Waiter(run_id, loop.create_future(), loop.time() + FIRST_S)
        self._waiters.add(waiter)
        self._came.set()
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._serve())
        try:
            await asyncio.wait_for(waiter.ended, within_s)
            return True
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiters:
            self._came.clear()
            due = [each for each in self._waiters if each.next_s <= loop.time() + TOGETHER_S]
            if due:
                await self._look(due, loop)
            soonest_s = min((each.next_s for each in self._waiters), default=loop.time())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._came.wait(), max(0.001, soonest_s - loop.time()))

    async def _look(self, due: list[_Waiter], loop: asyncio.AbstractEventLoop) -> None:
        ids = {each.run_id for each in due}
        try:
            ended = await ask(lambda: self._ended(ids))
        except Exception as error:  # they wait on, and are told that the run is accepted when their time is over
            log.error("Waiting for runs: %s", " ".join(str(error).split()), exc_info=not is_away(error))
            ended = set()
        now_s = loop.time()
        for each in due:
            if each.run_id in ended:
                self._waiters.discard(each)
                if not each.ended.done():
                    each.ended.set_result(None)
            else:
                each.pause_s = min(LAST_S, each.pause_s * GROWTH)
                each.next_s = now_s + each.pause_s


_waits: WeakKeyDictionary[asyncio.AbstractEventLoop, Waits] = WeakKeyDictionary()


def waits() -> Waits:
    """Those of the running loop."""
    loop = asyncio.get_running_loop()
    found = _waits.get(loop)
    if found is None:
        found = _waits[loop] = Waits()
    return found


def wait_here(run_id: UUID, within_s: float, sleep: Callable[[float], None] = time.sleep) -> bool:
    """As `Waits.end_of`, in this thread; its connection is given back between the questions."""
    left_s, pause_s = within_s, FIRST_S
    while True:
        if ended_of([run_id]):
            return True
        if left_s <= 0:
            return False
        if not connection.in_atomic_block:
            connection.close()
        pause_s = min(pause_s, left_s)
        sleep(pause_s)
        left_s, pause_s = left_s - pause_s, min(LAST_S, pause_s * GROWTH)
