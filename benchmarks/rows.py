"""Rows of a measurement (one JSON object a line), and what is asked of them. Pure but for `read`.

A row that failed carries `error` and counts nowhere. Medians are over the rounds of one interleaved run.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def read(path: Path) -> list[Row]:
    """The rows of a results file, the last of each (test, configuration, round, redis): a repeated one replaces the first."""
    kept: dict[tuple[Any, ...], Row] = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        kept[row["test"], row["config"], row["round"], row.get("redis", "mem")] = row
    return list(kept.values())


@dataclass(frozen=True)
class Rows:
    """`all`: rows of one run on the Redis without an append-only file."""

    all: Sequence[Row]

    def of(self, test: str, config: str) -> list[Row]:
        """The rows of a configuration that did not fail, by round."""
        mine = [row for row in self.all if row["test"] == test and row["config"] == config and "error" not in row]
        return sorted((row for row in mine if row.get("redis", "mem") == "mem"), key=lambda row: int(row["round"]))

    def configs(self, test: str) -> list[str]:
        """The configurations that were measured in a test, in order of appearance."""
        return list(dict.fromkeys(row["config"] for row in self.all if row["test"] == test))

    def median(self, test: str, config: str, figure: str) -> float | None:
        """The median over the rounds; None where it was not measured. `figure` may reach into objects: "enq.p50"."""
        found = [value for row in self.of(test, config) if (value := _get(row, figure)) is not None]
        return statistics.median(found) if found else None

    def worst(self, test: str, config: str, figure: str) -> float | None:
        """The largest over the rounds."""
        found = [value for row in self.of(test, config) if (value := _get(row, figure)) is not None]
        return max(found) if found else None

    def ratio(self, test: str, mine: str, theirs: str, figure: str) -> float | None:
        """Median over median."""
        return divided(self.median(test, mine, figure), self.median(test, theirs, figure))

    def best(self, test: str, configs: Iterable[str], figure: str) -> float | None:
        """The largest median among configurations."""
        found = [value for config in configs if (value := self.median(test, config, figure)) is not None]
        return max(found) if found else None


def divided(mine: float | None, theirs: float | None) -> float | None:
    return mine / theirs if mine is not None and theirs else None


def is_ours(config: str) -> bool:
    return "roundsman" in config


def is_peer(config: str) -> bool:
    """Another system: neither ours nor the bare loops that show the machine's floor."""
    return not is_ours(config) and not config.startswith("raw")


def _get(row: Row, figure: str) -> float | None:
    value: Any = row
    for part in figure.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
