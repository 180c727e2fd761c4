"""What an import would do: which rows are new, which change, and what stands against it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pydantic

from billing.interchange.problems import Problem
from billing.interchange.reading import Read, Table, key_of
from billing.interchange.row import Row
from billing.interchange.words import told

Key = tuple[str, ...]
There = Mapping[str, Mapping[Key, Row]]


@dataclass(frozen=True)
class Change:
    """A row of a file that is not as it is there. `before` is None for a new one."""

    read: Read
    before: Any
    after: Any

    @property
    def names(self) -> list[str]:
        """The fields that differ."""
        if self.before is None:
            return list(self.after.values())
        old, new = self.before.values(), self.after.values()
        return [name for name in new if old[name] != new[name]]

    def problem(self, name: str, message: str) -> Problem:
        return Problem(self.read.file, self.read.number, name, message)


@dataclass
class World:
    """All rows as they would be, by table and key. `sources`: those of the files. `broken`: keys of rows that are wrong themselves."""

    rows: dict[str, dict[Key, Any]]
    sources: dict[str, dict[Key, Read]] = field(default_factory=dict)
    broken: dict[str, frozenset[Key]] = field(default_factory=dict)

    def find(self, table: str, *key: str) -> Any:
        """None where there is none."""
        return self.rows.get(table, {}).get(key)

    def lacks(self, table: str, *key: str) -> bool:
        """Whether nobody knows such a row; one that is wrong itself is told of in its own place."""
        return self.find(table, *key) is None and key not in self.broken.get(table, ())

    def source(self, row: Row) -> Read | None:
        return self.sources.get(row.file, {}).get(key_of(row))

    def incoming(self, table: str) -> Iterator[tuple[Read, Any]]:
        """Rows of the files, as they would be."""
        for key, source in self.sources.get(table, {}).items():
            yield source, self.rows[table][key]


@dataclass
class Plan:
    """`unchanged` counts rows by table; `changes` are in the order of the tables."""

    world: World
    changes: dict[str, list[Change]] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def planned(tables: Sequence[Table], there: There) -> Plan:
    """Rows are laid over those that are there. What stands against it is found by billing.interchange.checks."""
    world = World({name: dict(rows) for name, rows in there.items()})
    plan = Plan(world)
    for table in tables:
        name = table.kind.file
        rows, sources = world.rows.setdefault(name, {}), world.sources.setdefault(name, {})
        plan.problems += table.problems
        world.broken[name] = world.broken.get(name, frozenset()) | table.broken
        changes = plan.changes.setdefault(name, [])
        plan.unchanged.setdefault(name, 0)
        for read in table.rows:
            key = key_of(read.row)
            if (first := sources.get(key)) is not None:
                plan.problems.append(
                    Problem(
                        read.file,
                        read.number,
                        type(read.row).key[-1],
                        f"{read.row.id} is in {first.file} row {first.number} already.",
                    )
                )
                continue
            before = rows.get(key)
            try:
                after = _laid_over(before, read)
            except pydantic.ValidationError as error:
                plan.problems += [Problem(read.file, read.number, *each) for each in told(error)]
                continue
            rows[key], sources[key] = after, read
            if before is None or before.values() != after.values():
                changes.append(Change(read, before, after))
            else:
                plan.unchanged[name] += 1
    return plan


def _laid_over(before: Row | None, read: Read) -> Row:
    """What the file has no column for stays as it is."""
    row: Row = read.row
    kept = {} if before is None else {name: value for name, value in before.values().items() if name not in read.given}
    if not kept:
        return row
    return type(row).model_validate(kept | {name: getattr(row, name) for name in read.given})
