"""Which files there are: those of a folder, or those that are named. Pure, but for reading them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

from billing.interchange.problems import Problem
from billing.interchange.reading import Table, read
from billing.interchange.tables import TABLES, TOLD_ONLY


def tables(paths: Iterable[Path]) -> tuple[list[Table], dict[str, bytes], list[Problem]]:
    """What is in them, their contents by name, and what is wrong with the files as such. Raises OSError."""
    found: list[Table] = []
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path in _files(paths):
        name = path.name.removesuffix(".csv")
        if name in TABLES and name not in {table.kind.file for table in found}:
            contents[path.name] = path.read_bytes()
            found.append(read(TABLES[name], contents[path.name], path.name))
        elif name in TABLES:
            problems.append(Problem(path.name, 0, "", "is given twice."))
        elif name not in TOLD_ONLY:
            near = difflib.get_close_matches(name, TABLES, 1)
            meant = f"{near[0]}.csv is meant?" if near else f"the tables are {', '.join(TABLES)}."
            problems.append(Problem(path.name, 0, "", f"No table is called {name}: {meant}"))
    if not found and not problems:
        problems.append(
            Problem("", 0, "", f"There is no CSV file of a table here: they are called {', '.join(TABLES)}.")
        )
    return found, contents, problems


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(
                each for each in path.iterdir() if each.suffix == ".csv" and not each.name.startswith(".")
            )
        else:
            yield path
