"""How many slots of a queue a worker process uses at once: found out, where the queue calls outside. Times are given.

What the other side can take is nobody's to configure, and changes. So each worker process goes by what it hears of its
own runs. It is asked before a claim and told of endings: no server is asked, and no job waits for it.
"""

from __future__ import annotations

import threading

from queues import catalogue
from queues.engine.adaptive_search import Search
from queues.ledger import states
from queues.ledger.facts import Ending

IDLE_S = 600.0  # after so long without an ending nothing is known any more


class Adaptive:
    """One queue in one worker process. `most`: slots that the queue and the process allow anyway. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._search = Search(max(1, most))
        self._heard_s: float | None = None
        self._lock = threading.Lock()

    def bound(self, most: int) -> None:
        """The queue's or the process' own limit is another."""
        self._search.most = max(1, most)

    def allowed(self, now_s: float) -> int:
        """Slots that may be used at once: between 1 and `most`."""
        with self._lock:
            if self._heard_s is not None and now_s - self._heard_s > IDLE_S:
                self._search, self._heard_s = Search(self._search.most), None
            return self._search.allowed

    def heard(
        self,
        duration_s: float,
        overloaded: bool,
        now_s: float,
        job: str = "",
        *,
        timed: bool = True,
        waited_s: float = 0.0,
    ) -> None:
        """An execution ended at `now_s`; before its beginning it had waited in the worker's hands for `waited_s`.

        Not `timed`: its duration says nothing (it failed, or was cancelled).
        """
        with self._lock:
            self._heard_s = now_s
            self._search.heard(duration_s, overloaded, now_s, job, timed, now_s - duration_s - waited_s)


class Limits:
    """A worker's, one for each of its queues that call outside (`limited` in the catalogue). Times: monotonic seconds."""

    def __init__(self, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self._by_queue: dict[str, Adaptive] = {}

    def allowed(self, queue: str, most: int, now_s: float) -> int | None:
        """Slots of `queue` that this process may use at once, of `most`; None where nothing is to be found out."""
        if not self.enabled or most < 1 or not catalogue.get(queue).limited:
            return None
        limit = self._by_queue.get(queue)
        if limit is None:
            limit = self._by_queue[queue] = Adaptive(most)
        limit.bound(most)
        return limit.allowed(now_s)

    def heard(self, ending: Ending, now_s: float) -> None:
        """Of every ending, from any thread. Only a success says how long a job takes."""
        limit = self._by_queue.get(ending.claim.queue)
        if limit is not None:
            took_s = max(0.0, (ending.finished_at - ending.started_at).total_seconds())
            waited_s = max(0.0, (ending.started_at - ending.claim.claimed_at).total_seconds())
            timed = ending.state == states.SUCCEEDED
            limit.heard(took_s, ending.overloaded, now_s, ending.claim.job, timed=timed, waited_s=waited_s)

    def told(self, now_s: float) -> dict[str, int]:
        """What is allowed now, by queue."""
        return {queue: limit.allowed(now_s) for queue, limit in list(self._by_queue.items())}
