"""Messages under way at once: the network on an event loop of its own, the ledger on the thread that asks.

So nobody's silence holds up anybody else: each webhook has a few connections, one that fails only one.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from uuid import UUID

from queues.engine.webhook_post import Poster
from queues.ledger.webhook_deliveries import AT_ONCE, Sent, Taken
from queues.models import WebhookEndpoint

EACH, FAILING = 8, 1  # of one webhook; of one whose last messages did not arrive
STOP_S = 5.0


class Courier:
    """`with Courier(make) as courier:`; used by one thread. `make` gives the Poster, on the loop."""

    def __init__(self, make: Callable[[], Poster]) -> None:
        self._make = make
        self._loop = asyncio.new_event_loop()
        self._ready: Future[None] = Future()
        self._stop: asyncio.Event | None = None
        self._back: queue.SimpleQueue[Sent] = queue.SimpleQueue()
        self._under_way: Counter[UUID] = Counter()
        self._thread = threading.Thread(target=self._serve, name="courier", daemon=True)

    def __enter__(self) -> Courier:
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_S)

    @property
    def under_way(self) -> int:
        return self._under_way.total()

    @property
    def free(self) -> int:
        """How many more messages it would take."""
        return max(0, AT_ONCE - self.under_way)

    def room(self, row: WebhookEndpoint) -> int:
        """How many more of this webhook."""
        each = EACH if row.failing_since is None else FAILING
        return max(0, each - self._under_way[row.id])

    def send(self, taken: Taken) -> None:
        """Returns at once."""
        self._under_way[taken.endpoint] += 1
        asyncio.run_coroutine_threadsafe(self._carry(taken), self._loop)

    def back(self, timeout_s: float) -> list[Sent]:
        """What has come of messages; waits for the first so long."""
        found: list[Sent] = []
        try:
            found.append(self._back.get(timeout=timeout_s))
            while True:
                found.append(self._back.get_nowait())
        except queue.Empty:
            pass
        for sent in found:
            self._under_way[sent.taken.endpoint] -= 1
        return found

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._work())
        finally:
            self._loop.close()

    async def _work(self) -> None:
        self._stop = asyncio.Event()
        try:
            async with self._make() as self._post:
                self._ready.set_result(None)
                await self._stop.wait()
                rest = asyncio.all_tasks() - {asyncio.current_task()}
                for task in rest:
                    task.cancel()
                await asyncio.gather(*rest, return_exceptions=True)
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _carry(self, taken: Taken) -> None:
        self._back.put(await self._post(taken))
