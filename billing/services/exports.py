"""All of the trade's data as files: what an import reads, and what accountants are given."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from billing.interchange.tables import ROWS
from billing.interchange.writing import cells, write
from billing.selectors import accounts, trade
from queues.contract import Actor, ports

FOR_ACCOUNTANTS = (
    ("documents", accounts.DOCUMENTS, accounts.documents),
    ("lines", accounts.LINES, accounts.lines),
    ("entries", accounts.ENTRIES, accounts.entries),
)


def export_folder(folder: Path, *, actor: Actor) -> dict[str, int]:
    """One file a table into a new or empty folder, readable to its owner alone; how many rows each has. Raises OSError, DatabaseError.

    What refers to a table is read before it: a row that comes meanwhile is then in no file, or all that it names is in one, too."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(17, "it is not empty", str(folder))
    told: dict[str, int] = {}
    for name, columns, rows in FOR_ACCOUNTANTS:
        told[name] = _file(folder / f"{name}.csv", columns, rows())
    for kind in reversed(ROWS):
        told[kind.file] = _file(folder / f"{kind.file}.csv", kind.columns(), map(cells, trade.rows(kind.file)))
    ports.auditor()(actor, "billing.export", object_type="billing", object_id="export", after={"rows": told})
    return told


def _file(path: Path, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> int:
    with _new(path) as out:
        return write(out, columns, lines)


@contextmanager
def _new(path: Path) -> Iterator[TextIO]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
        yield out
