"""Who listens to which run: while anybody does, one task looks once a second for all listeners of a process."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from queues.api.polling import ask
from queues.api.problems import is_away
from queues.watch.run_news import News, Wanted, look

log = logging.getLogger("roundsman.web")
MOST = 10  # streams of one account in a process
MOST_OF_ALL = 200  # streams of a process

Look = Callable[[Sequence[Wanted]], list[News]]


@dataclass(frozen=True)
class Pace:
    """In seconds: how often is looked, after how long a silence one is told that we are still here, and how long a
    stream lasts."""

    look_s: float = 1.0
    heartbeat_s: float = 15.0
    lasts_s: float = 600.0


@dataclass(eq=False)
class Listener:
    """Takes one news at a time: while it has not read the last, it is not looked for."""

    wanted: Wanted
    _news: News | None = None
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def free(self) -> bool:
        return self._news is None

    def give(self, news: News) -> None:
        self._news = news
        self._arrived.set()

    async def next(self) -> News:
        await self._arrived.wait()
        self._arrived.clear()
        news, self._news = self._news, None
        assert news is not None
        if news.lines:
            self.wanted = replace(self.wanted, after=news.lines[-1]["id"])
        return news


class Hub:
    """All listeners of one event loop."""

    def __init__(self, pace: Pace, look: Look = look) -> None:
        self.pace, self._look = pace, look
        self._listeners: set[Listener] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def join(self, listener: Listener) -> None:
        self._listeners.add(listener)
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._serve())

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        self._wake.set()

    async def _serve(self) -> None:
        while self._listeners:
            self._wake.clear()
            free = [each for each in self._listeners if each.free]
            if free:
                await self._tell(free)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self.pace.look_s)

    async def _tell(self, listeners: list[Listener]) -> None:
        wanted = [each.wanted for each in listeners]
        try:
            found = await ask(lambda: self._look(wanted))
        except Exception as error:  # the next look may succeed; until then they hear heartbeats
            log.error("Streams of runs: %s", " ".join(str(error).split()), exc_info=not is_away(error))
            return
        for listener, news in zip(listeners, found, strict=True):
            listener.give(news)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The one of the running loop."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub(Pace())
    return found


class Places:
    """How many streams each account has open in this process."""

    def __init__(self, most: int = MOST, of_all: int = MOST_OF_ALL) -> None:
        self.most, self.of_all = most, of_all
        self._taken: Counter[int] = Counter()
        self._lock = threading.Lock()

    def is_free(self, user_id: int) -> bool:
        with self._lock:
            return self._taken[user_id] < self.most and self._taken.total() < self.of_all

    def take(self, user_id: int) -> bool:
        """False: there is none left."""
        with self._lock:
            if self._taken[user_id] >= self.most or self._taken.total() >= self.of_all:
                return False
            self._taken[user_id] += 1
            return True

    def give_back(self, user_id: int) -> None:
        with self._lock:
            self._taken[user_id] -= 1
            if self._taken[user_id] <= 0:
                del self._taken[user_id]


places = Places()
