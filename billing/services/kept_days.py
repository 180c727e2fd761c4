"""Days that an import must not move, and what was in force on them, since they are billed or something happened on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from django.db.models import Q

from billing.interchange.plan import Change
from billing.interchange.problems import Problem
from billing.selectors import fixed

Changes = Mapping[str, Sequence[Change]]


def stays(changes: Changes) -> Iterator[Problem]:
    """Containers came and went as it is billed."""
    changed = changes.get("stays", ())
    until = fixed.billed_until({each.after.service for each in changed})
    for change in changed:
        end = until.get(change.after.service)
        for name in ("delivered_on", "removed_on"):
            days = {getattr(row, name) for row in (change.before, change.after) if row is not None}
            moved = change.before is None or len(days) == 2
            if end is not None and moved and any(day is not None and day < end for day in days):
                yield change.problem(
                    name, f"Days before {end} are billed: give a day from then on, and credit what is too much."
                )


def spans(changes: Changes) -> Iterator[Problem]:
    """No visit is left outside of what is served."""
    for table, of in (("contracts", "service__contract__code"), ("services", "service__code")):
        for change in changes.get(table, ()):
            if change.before is not None and {"starts_on", "ends_on", "ends"} & set(change.names):
                row = change.after
                inclusive = (
                    getattr(row, "ends", "exclusive") == "inclusive" or table == "services"
                )  # as its contract says, at the least
                visit = fixed.visit_outside(Q(**{of: row.code}), row.starts_on, _end(row.ends_on, inclusive=inclusive))
                if visit is not None:
                    name = "starts_on" if visit.day < row.starts_on else "ends_on"
                    yield change.problem(name, f"Visit {visit.code} on {visit.day} would not be served any more.")


def _end(ends_on: date | None, *, inclusive: bool) -> date | None:
    return ends_on + timedelta(days=1) if ends_on is not None and inclusive else ends_on


def tax_rates(changes: Changes) -> Iterator[Problem]:
    """Final documents were taxed by them."""
    for change in changes.get("tax_rates", ()):
        before, after = change.before, change.after
        if before is None:
            continue
        last = fixed.taxed(before.jurisdiction, before.tax_class, before.valid_from, before.valid_until)
        if last is None:
            continue
        for name in ("rate", "category"):
            if name in change.names:
                yield change.problem(
                    name, f"Final documents were taxed by this rate, up to {last}: add one from a later day."
                )
        if after.valid_until is not None and after.valid_until <= last:
            yield change.problem("valid_until", f"Final documents were taxed by this rate, up to {last}: end it later.")


def fuel(changes: Changes) -> Iterator[Problem]:
    """Periods were billed by the index as it was published."""
    for change in changes.get("fuel_index", ()):
        first = fixed.fuelled(change.after.code, change.after.published_on)
        if first is not None:
            yield change.problem(
                "value",
                f"The period from {first} is billed already: an index of that day came too late, or stays as it was.",
            )
