"""Snares at the failpoints: the first process that comes to a place where one is laid dies on the spot, or stands still there, with its worker.

(A failpoint that is armed when its process starts cannot wait until a share of the work is done, and only kills.)
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from queues import failpoints

BATCH = 4  # documents that become final together, so that there are many transactions to be struck (the product has five times as many in each)
BETWEEN = {"effect.committed": BATCH, "call.settled": 1}  # where it pauses, and after how many documents


@dataclass(frozen=True)
class Snares:
    """A file for each, named like its point; who takes it away has sprung it, and leaves one with the id of its worker's process.

    (A run that took a worker down before is executed in a child of its worker: their process group is the worker's.)
    """

    folder: Path

    def lay(self, point: str, sign: signal.Signals) -> None:
        """Raises KeyError for a point that there is not."""
        failpoints.POINTS[point]
        beside = self.folder / f".{point}"
        beside.write_text(str(int(sign)))
        beside.rename(self.folder / point)

    def take_up(self, point: str) -> None:
        """Nobody was caught, and nobody shall be."""
        (self.folder / point).unlink(missing_ok=True)

    def sprung(self, point: str) -> int | None:
        """Whose worker was caught there: a process id, once."""
        for path in self.folder.glob(f"{point}.*"):
            path.unlink()
            return int(path.name.rsplit(".", 1)[1])
        return None

    def watch(self, pace_s: float = 0.0) -> None:
        """This process walks into them; it takes `pace_s` longer for each document, so that blows fall in the midst."""

        def reach(name: str) -> None:
            self._reach(name)
            time.sleep(pace_s * BETWEEN.get(name, 0))

        failpoints.reach = reach

    def _reach(self, point: str) -> None:
        mine = self.folder / f"{point}.{os.getpgrp()}"
        try:
            sign = int((self.folder / point).read_text())
            (self.folder / point).rename(mine)
        except OSError:
            return  # none, or somebody else was faster
        if sign == signal.SIGSTOP:
            _stop_the_others()
        signal.pthread_kill(threading.get_ident(), sign)  # to this thread: so it does not go a step further


def _stop_the_others() -> None:
    """A worker and what it forked stand still together. (Linux: it has the processes as folders.)

    killpg would stop this process, too, now or a little later: after its own stop and its wake it could stand still once more.
    """
    group, me = os.getpgrp(), os.getpid()
    for pid in (int(each.name) for each in Path("/proc").glob("[0-9]*")):
        with suppress(ProcessLookupError):  # it has ended
            if pid != me and os.getpgid(pid) == group:
                os.kill(pid, signal.SIGSTOP)
