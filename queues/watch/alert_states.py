"""What becomes of an alert at a look: one step for one rule and queue. Pure; `queues.watch.alerts` keeps the rows.

An alert opens when its figure is beyond the line (for as long as the rule says), gets worse at once, and gets better or
resolves only when the figure has been a tenth on the good side of the line for `CALM_S`. What comes back within
`COOLDOWN_S` of its resolution is the same alert, opened again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from queues.watch.alert_rules import Figure, Level, Lines, Rule, eased, judge, worse

CALM_S, COOLDOWN_S = 60.0, 300.0
Verb = Literal["opened", "reopened", "worsened", "eased", "resolved"]
News = Literal["opened", "worsened", "resolved"]


@dataclass(frozen=True)
class Standing:
    """What is remembered between two looks. `level`: of the open alert, None where none is.

    `beyond_since`: the figure has been beyond its line since then, and no alert is open yet. `calm_since`: an open alert
    would have been worth less than its level since then, `calm_level` at most.
    """

    level: Level | None = None
    beyond_since: datetime | None = None
    calm_since: datetime | None = None
    calm_level: Level | None = None
    resolved_at: datetime | None = None


def step(was: Standing, rule: Rule, lines: Lines, figure: Figure | None, now: datetime) -> tuple[Standing, Verb | None]:
    """How it stands after a look, and what happened. Without a figure (it could not be measured) all stays as it is."""
    if figure is None:
        return was, None
    level = judge(rule, lines, figure)
    if was.level is None:
        return _closed(was, rule, level, now)
    if worse(level, was.level):
        return Standing(level=level), "worsened"
    return _open(was, eased(rule, lines, figure), now)


def news(told: Level | None, level: Level | None, *, quiet: bool) -> News | None:
    """What those who listen are told next, who were `told` this level last (None: that all is well)."""
    if level is None:
        return "resolved" if told else None
    if quiet or not worse(level, told):
        return None
    return "worsened" if told else "opened"


def quiet_until(resolved_at: datetime, before: Level, now_level: Level) -> datetime | None:
    """Till when nothing is told of an alert that came back: the end of the cooldown; None where it came back worse."""
    return None if worse(now_level, before) else resolved_at + timedelta(seconds=COOLDOWN_S)


def _closed(was: Standing, rule: Rule, level: Level | None, now: datetime) -> tuple[Standing, Verb | None]:
    if level is None:
        return replace(was, beyond_since=None), None
    since = _since(was.beyond_since, now)
    if (now - since).total_seconds() < rule.lasts_s:
        return replace(was, beyond_since=since), None
    return Standing(level=level), "reopened" if _cooling(was.resolved_at, now) else "opened"


def _open(was: Standing, level: Level | None, now: datetime) -> tuple[Standing, Verb | None]:
    """`level`: what it is worth with the lines moved, and so at most what it may fall to."""
    if not worse(was.level, level):
        return Standing(level=was.level), None
    if was.calm_since is None or was.calm_since > now or worse(level, was.calm_level):  # calm anew, or less so
        return Standing(level=was.level, calm_since=now, calm_level=level), None
    if (now - was.calm_since).total_seconds() < CALM_S:
        return was, None
    if was.calm_level is None:
        return Standing(resolved_at=now), "resolved"
    return Standing(level=was.calm_level), "eased"


def _since(since: datetime | None, now: datetime) -> datetime:
    """One in the future is of a clock that was set back."""
    return now if since is None or since > now else since


def _cooling(resolved_at: datetime | None, now: datetime) -> bool:
    return resolved_at is not None and 0 <= (now - resolved_at).total_seconds() < COOLDOWN_S
