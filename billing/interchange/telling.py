"""At which row of a file a problem is told. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from billing.interchange.plan import World
from billing.interchange.problems import Problem
from billing.interchange.reading import Read
from billing.interchange.row import Row


def at(read: Read, field: str, message: str) -> Problem:
    return Problem(read.file, read.number, field, message)


def of_pair(world: World, row: Row, field: str, other: Row, other_field: str, message: str) -> Iterator[Problem]:
    """At the first one, if it is in a file, or else at the other."""
    if (read := world.source(row)) is not None:
        yield at(read, field, message)
    elif (read := world.source(other)) is not None:
        yield at(read, other_field, f"{row.id}: {message}")
