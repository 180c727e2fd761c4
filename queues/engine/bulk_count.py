"""What a verb on many runs is about: counted before anything is done, with a cut-off that keeps later runs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from queues import catalogue, registry
from queues.errors import UnknownJob
from queues.ledger import clock, states
from queues.ledger.choice import Choice

WAITING = (states.SCHEDULED, states.PENDING)  # in this order: one that falls due meanwhile is met among the pending


@dataclass(frozen=True)
class Counted:
    """What a verb is about. `counts` is by (state, job); at most `limit` of the runs, the oldest, are taken."""

    choice: Choice
    counts: dict[tuple[str, str], int]
    limit: int | None = None

    @property
    def total(self) -> int:
        """How many runs fit."""
        return sum(self.counts.values())

    @property
    def bound(self) -> int:
        """How many runs the verb will look at, at most."""
        return self.total if self.limit is None else min(self.limit, self.total)


def count_clean(
    queue: str,
    *,
    among: Sequence[str] = WAITING,
    job: str | None = None,
    older_than_s: float | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Counted:
    """The runs that wait in a queue, created until now (`until`, if that is sooner) and `older_than_s` seconds ago.

    Raises UnknownQueue.
    """
    cut_off = _sooner(clock.now() - timedelta(seconds=older_than_s or 0), until)
    choice = Choice(
        states=tuple(state for state in WAITING if state in among),
        queues=(catalogue.canonical(queue),),
        jobs=None if job is None else names_of(job),
        created_until=cut_off,
    )
    return count(choice, limit)


def count_failed(
    *,
    among: Sequence[str] = (states.DEAD,),
    queues: Sequence[str] | None = None,
    job: str | None = None,
    definition: str | None = None,
    error_code: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    created_since: datetime | None = None,
    ids: Sequence[UUID] | None = None,
    limit: int | None = None,
) -> Counted:
    """Dead runs (cancelled ones too, if `among` says so) for which all that is given holds.

    They ended between `since` and `until`, and before now. `definition` is a name. Raises UnknownQueue.
    """
    choice = Choice(
        states=tuple(among),
        queues=None if queues is None else tuple(catalogue.canonical(name) for name in queues),
        jobs=None if job is None else names_of(job),
        definition=definition,
        error_code=error_code,
        created_since=created_since,
        ended_since=since,
        ended_until=_sooner(clock.now(), until),
        ids=None if ids is None else tuple(ids),
    )
    return count(choice, limit)


def count(choice: Choice, limit: int | None = None) -> Counted:
    """Where the limit cuts, the choice ends with the last run within it: so it is about the same runs for ever."""
    found = Counted(choice, choice.counts(), limit)
    if 0 < found.bound < found.total:
        return replace(found, choice=replace(choice, upto=choice.nth(found.bound)))
    return found


def names_of(job: str) -> tuple[str, ...]:
    """The names that a job's runs bear: its own and its aliases. One that is not declared any more has the one."""
    try:
        spec = registry.get(job)
    except UnknownJob:
        return (job,)
    return (spec.name, *spec.aliases)


def _sooner(now: datetime, other: datetime | None) -> datetime:
    return now if other is None or other > now else other
