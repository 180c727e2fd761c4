"""When the next reminder is due: a calendar of steps, counted from the due date. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Step:
    """`days`: after the due date."""

    number: int
    days: int


@dataclass(frozen=True)
class Next:
    step: Step
    on: date


def next_step(steps: Sequence[Step], due: date, done: int, done_on: date | None) -> Next | None:
    """The first step after number `done`, and its day; None: there is none left.

    Never sooner after the step before (taken on `done_on`) than the calendar has it: reminders that were late do not come in a heap.
    """
    ordered = sorted(steps, key=lambda step: step.number)
    following = next((step for step in ordered if step.number > done), None)
    if following is None:
        return None
    on = due + timedelta(days=following.days)
    before = next((step for step in reversed(ordered) if step.number <= done), None)
    if before is not None and done_on is not None:
        on = max(on, done_on + timedelta(days=max(1, following.days - before.days)))
    return Next(following, on)


def filled(text: str, values: Mapping[str, str]) -> str:
    """The step's text with {number}, {balance} and so on filled in. What is no name of ours stays as it is written."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
