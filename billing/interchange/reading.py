"""A CSV file becomes rows; every bad one is told, by its number and field. Pure.

UTF-8 (a byte order mark is no harm), comma, semicolon or tab between cells, the columns in any order. A column that may be left out has a
default; where it is left out, a row that is there already keeps what it has.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pydantic

from billing.interchange.problems import Problem
from billing.interchange.row import Row
from billing.interchange.words import told
from billing.interchange.writing import read_cell

DELIMITERS = (",", ";", "\t")
LONGEST = 1_000_000  # characters of a cell: a price version's rules are JSON
csv.field_size_limit(LONGEST)


@dataclass(frozen=True)
class Read:
    """One good row: its number in the file, and the columns that the file has."""

    file: str
    number: int
    row: Any
    given: frozenset[str]


@dataclass(frozen=True)
class Table:
    """What a file holds. `broken`: the keys of rows that are wrong, as far as they could be read, so that nobody misses them."""

    kind: type[Row]
    file: str
    rows: tuple[Read, ...] = ()
    problems: tuple[Problem, ...] = ()
    broken: frozenset[tuple[str, ...]] = frozenset()


def read(kind: type[Row], content: bytes, file: str = "") -> Table:
    """All of one file, good and bad."""
    file = file or f"{kind.file}.csv"
    text, problem = _text(content, file)
    if problem is not None:
        return Table(kind, file, problems=(problem,))
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(kind, text), strict=True)
    try:
        header = [cell.strip() for cell in next(lines, [])]
        wrong_header = list(_header(kind, header, file))
        if wrong_header:
            return Table(kind, file, problems=tuple(wrong_header))
        return _rows(kind, header, lines, file)
    except csv.Error as error:
        where = f"after line {lines.line_num}" if lines.line_num else "at its beginning"
        return Table(kind, file, problems=(Problem(file, 0, "", f"is no CSV {where}: {error}."),))


def _text(content: bytes, file: str) -> tuple[str, Problem | None]:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "", Problem(file, 0, "", "is UTF-16: save it as CSV UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return "", Problem(file, line, "", f"the byte 0x{content[error.start]:02X} is no UTF-8: save it as CSV UTF-8.")
    if not text.strip():
        return "", Problem(file, 0, "", "is empty: its first row names the columns.")
    return text, None


def _delimiter(kind: type[Row], text: str) -> str:
    """The one that makes most columns of the first row known ones."""
    first = text.lstrip().split("\n", 1)[0]
    known = set(kind.columns())
    return max(DELIMITERS, key=lambda each: sum(cell.strip().strip('"') in known for cell in first.split(each)))


def _header(kind: type[Row], header: list[str], file: str) -> Iterator[Problem]:
    known = kind.columns()
    for name in sorted({name for name in header if header.count(name) > 1}):
        yield Problem(file, 1, name, "This column is there twice.")
    for name in header:
        if name not in known:
            near = difflib.get_close_matches(name.lower(), known, 1)
            hint = f"{near[0]!r} is meant?" if near else f"the columns are {', '.join(known)}."
            yield Problem(file, 1, name, f"There is no such column: {hint}")
    for name, about in kind.model_fields.items():
        if about.is_required() and name not in header:
            yield Problem(file, 1, name, "This column is missing.")


def _rows(kind: type[Row], header: list[str], lines: Iterator[list[str]], file: str) -> Table:
    rows, problems, broken = [], [], set()
    first: dict[tuple[str, ...], int] = {}
    given = frozenset(header)
    for number, cells in enumerate(lines, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            problems.append(Problem(file, number, "", f"has {len(cells)} cells, and the first row has {len(header)}."))
            continue
        values = {name: read_cell(cell) for name, cell in zip(header, cells, strict=True) if cell.strip()}
        try:
            row = kind.model_validate(values)
        except pydantic.ValidationError as error:
            problems += [Problem(file, number, *told) for told in told(error)]
            broken.add(tuple(str(values.get(name, "")) for name in kind.key))
            continue
        key = key_of(row)
        if key in first:
            problems.append(Problem(file, number, kind.key[-1], f"{row.id} is in row {first[key]} already."))
            continue
        first[key] = number
        rows.append(Read(file, number, row, given))
    return Table(kind, file, tuple(rows), tuple(problems), frozenset(broken))


def key_of(row: Row) -> tuple[str, ...]:
    """What tells it apart in its table."""
    return tuple(str(getattr(row, name)) for name in type(row).key)
