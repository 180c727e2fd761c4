"""What a crash costs: one rule for a run whose worker was lost and one whose child process died. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from queues.ledger import states

MAX_CRASHES = 3


@dataclass(frozen=True)
class AfterCrash:
    """What the run becomes."""

    state: str
    attempt: int
    max_attempts: int
    crashes: int


def after_crash(*, attempt: int, max_attempts: int, crashes: int, cancelled: bool) -> AfterCrash:
    """`attempt` is that of the execution that crashed. A crash leaves room for one more attempt, until the third."""
    crashes += 1
    state = states.CANCELLED if cancelled else states.DEAD if crashes >= MAX_CRASHES else states.PENDING
    return AfterCrash(state, attempt, max(max_attempts, attempt + (state == states.PENDING)), crashes)
