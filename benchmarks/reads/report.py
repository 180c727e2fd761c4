"""Answers → what is printed of them, and whether the floors hold. Pure."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

READ_P95_MS, CREATION_RATIO, ROWS_READ = 50.0, 3.0, 50_000

Row = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """Of one request: which address it asked, its status ("lost" without one), ms from when it was due to its answer."""

    name: str
    status: str
    ms: float


def times(ms: Sequence[float]) -> Row:
    """p50, p95, p99 and the longest, ms."""
    ordered = sorted(ms)
    return {
        "p50": round(statistics.median(ordered), 2),
        **{f"p{part}": round(ordered[min(len(ordered) - 1, len(ordered) * part // 100)], 2) for part in (95, 99)},
        "max": round(ordered[-1], 2),
        "mean": round(statistics.fmean(ordered), 2),
    }


def by_name(answers: Sequence[Answer]) -> dict[str, Row]:
    """Each address by itself: `n`, `errors` (all but 200) and its times."""
    grouped: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        grouped[answer.name].append(answer)
    return {
        name: {"n": len(those), "errors": wrong(those, "200"), **times([each.ms for each in those])}
        for name, those in grouped.items()
    }


def wrong(answers: Sequence[Answer], good: str) -> dict[str, int]:
    return dict(Counter(each.status for each in answers if each.status != good))


def broken(reads: Row, creation: Row, plans: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The floors that do not hold, in words."""
    said = []
    if reads["p95"] >= READ_P95_MS:
        said.append(f"Reads: p95 is {reads['p95']} ms; asked: under {READ_P95_MS:g}.")
    said += [
        f"Reads: the median of {name} is {row['p50']} ms; asked: under {READ_P95_MS:g}."
        for name, row in reads["addresses"].items()
        if row["p50"] >= READ_P95_MS
    ]
    if reads["errors"] or creation["errors"]:
        said.append(f"Errors: {reads['errors']} {creation['errors']}; asked: none.")
    if creation["ratio_p50"] > CREATION_RATIO:
        said.append(f"Creation takes {creation['ratio_p50']} × a bare view; asked: at most {CREATION_RATIO:g}.")
    many = [f"{name} ({plan['rows']:,})" for name, plan in plans.items() if plan["rows"] > ROWS_READ]
    if many:
        said.append(f"Lists that read more than {ROWS_READ:,} rows: {', '.join(many)}.")
    return said


def table(addresses: Mapping[str, Row], plans: Mapping[str, Mapping[str, float]]) -> str:
    """For a person: an address a line, the slowest first."""
    lines = [f"{'address':36} {'n':>5} {'p50':>8} {'p95':>8} {'p99':>8} {'max':>8} {'rows read':>10}"]
    for name, row in sorted(addresses.items(), key=lambda item: -item[1]["p95"]):
        plan = plans.get(name.removeprefix("runs: ")) if name.startswith("runs: ") else None
        rows_read = f"{plan['rows']:,}" if plan else ""
        lines.append(
            f"{name:36} {row['n']:5} {row['p50']:8.2f} {row['p95']:8.2f} {row['p99']:8.2f} {row['max']:8.2f} "
            f"{rows_read:>10}"
        )
    return "\n".join(lines)
