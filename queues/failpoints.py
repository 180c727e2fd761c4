"""Named places in the protocol where a process can be made to die, to prove that dying there costs nothing.

`reach("claim.chosen")` does nothing unless this process was armed for that name: then, at its n-th arrival, it kills
itself with SIGKILL. Only `manage.py chaos` arms; `POINTS` is the whole list, in the order in which a run meets them.
"""

from __future__ import annotations

import os
import signal
import threading

POINTS: dict[str, str] = {
    "fire.written": "a schedule's fire and its run are inserted, not committed",
    "fire.committed": "the fire is committed, its run not released",
    "enqueue.written": "the run's row is inserted, not committed",
    "enqueue.committed": "the row is committed, its id not in the window",
    "promote.written": "a run that fell due is pending, not committed",
    "promote.committed": "it is committed, its id not in the window",
    "release.offered": "the id is in the window",
    "take.taken": "a worker has taken the id out of the window, not claimed it",
    "claim.chosen": "runs are chosen and locked, not yet leased",
    "claim.committed": "the lease is committed, the run not handed to a slot",
    "start.begun": "the handler is about to be called",
    "effect.written": "an effect's row is written in the handler's transaction, not committed",
    "effect.committed": "the handler's transaction is committed, the run not finished",
    "call.posted": "a call to a provider is posted and committed, not sent",
    "call.taken": "it is committed that the call is being sent, the provider not asked",
    "call.sent": "the provider has answered, the answer not recorded",
    "call.settled": "the answer is committed, nobody told",
    "start.ended": "the handler has returned, its ending not reported",
    "finish.written": "the ending and its effects are written, not committed",
    "finish.committed": "the ending is committed, nobody told",
    "give_back.written": "an unstarted run is pending again, not committed",
    "give_back.committed": "it is committed, its id not in the window",
    "rescue.declared": "a worker is declared lost, its runs not taken back",
    "rescue.written": "its runs are taken back, not committed",
    "rescue.committed": "they are committed, their ids not in the window",
}

_armed: dict[str, int] = {}
_lock = threading.Lock()


def arm(name: str, arrival: int = 1) -> None:
    """Die at the `arrival`-th time this process reaches `name`. Raises KeyError for a name that is not in `POINTS`."""
    if name not in POINTS:
        raise KeyError(name)
    _armed[name] = arrival


def reach(name: str) -> None:
    """This process is at the named place."""
    if _armed:
        _arrive(name)


def _arrive(name: str) -> None:
    with _lock:
        left = _armed.get(name)
        if left is None:
            return
        _armed[name] = left - 1
        if left == 1:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()  # the signal is on its way
