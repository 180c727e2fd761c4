"""The CPU that PostgreSQL spends, by what for."""

from __future__ import annotations

from collections import defaultdict

import psutil


def kind_of_process(title: str) -> str:
    """What a PostgreSQL process is there for, by its title: "autovacuum", "writers" (they bring pages to disk), "backends"."""
    if "autovacuum" in title:
        return "autovacuum"
    return "writers" if any(word in title for word in ("checkpointer", "writer")) else "backends"


class DatabaseCpu:
    """CPU seconds of PostgreSQL's processes by kind since it was made: "feeder", "autovacuum", "writers", "backends". `look` often: what a process spent after the last look at it is not counted."""

    def __init__(self, postmaster: int, feeder: int) -> None:
        self.postmaster, self.feeder = psutil.Process(postmaster), feeder
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._kinds: dict[int, str] = {}
        self.look()
        self._first = dict(self._last)

    def look(self) -> None:
        for process in self.postmaster.children():
            try:
                times = process.cpu_times()
                self._last[process.pid] = times.user + times.system
                if process.pid not in self._kinds:
                    self._kinds[process.pid] = kind_of_process(" ".join(process.cmdline()))
            except psutil.Error:
                pass
        self._kinds[self.feeder] = "feeder"

    def spent(self) -> dict[str, float]:
        self.look()
        found: dict[str, float] = defaultdict(float)
        for pid, last in self._last.items():
            found[self._kinds.get(pid, "backends")] += last - self._first.get(pid, 0.0)
        return found
