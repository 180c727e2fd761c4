"""What a crash costs: one rule for a run whose child process died and one whose worker was lost. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from queues.ledger import states

MAX_CRASHES = 3
MAX_LOSSES = 10


@dataclass(frozen=True)
class Crashes:
    """What a run has behind it. `crashes`: its process died with it, or its worker, in which it ran among others.
    `losses`: its worker was lost while it ran alone in a child."""

    attempt: int  # of the execution that crashed
    max_attempts: int
    crashes: int
    losses: int = 0


@dataclass(frozen=True)
class AfterCrash:
    """What the run becomes, and how often it happened, in words."""

    state: str
    attempt: int
    max_attempts: int
    crashes: int
    losses: int
    times: str


def after_crash(before: Crashes, *, cancelled: bool) -> AfterCrash:
    """Its process died with it: the third time it is dead."""
    crashes = before.crashes + 1
    times = f"{crashes} of {MAX_CRASHES} times"
    return _after(before, crashes, before.losses, times, dead=crashes >= MAX_CRASHES, cancelled=cancelled)


def after_loss(before: Crashes, *, cancelled: bool) -> AfterCrash:
    """Its worker was lost. Among others that is a crash, for it may have been the cause. Alone in a child, which a run
    is from its first crash on, it is hardly its fault: a child that dies leaves its worker alive. There it counts apart,
    to an end only if it goes on and on."""
    if before.crashes == 0:
        return after_crash(before, cancelled=cancelled)
    losses = before.losses + 1
    times = f"{losses} of {MAX_LOSSES} times, alone in a child process"
    return _after(before, before.crashes, losses, times, dead=losses >= MAX_LOSSES, cancelled=cancelled)


def _after(before: Crashes, crashes: int, losses: int, times: str, *, dead: bool, cancelled: bool) -> AfterCrash:
    """Until it is dead there is room for one more attempt."""
    state = states.CANCELLED if cancelled else states.DEAD if dead else states.PENDING
    room = max(before.max_attempts, before.attempt + (state == states.PENDING))
    return AfterCrash(state, before.attempt, room, crashes, losses, times)
