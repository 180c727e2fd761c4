"""The made-up hauler into the database, by the way that every import takes, or into files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from django.db import transaction

from billing.interchange.reading import Read, Table
from billing.interchange.row import Row
from billing.interchange.tables import TABLES
from billing.interchange.writing import cells, write
from billing.samples.calendar import shifted
from billing.samples.hauler import Hauler, Rows
from billing.services.imports import Report, import_tables
from queues.contract import Actor
from queues.errors import PermanentError

EVENTS = ("all", "before", "month")


class CannotLoad(PermanentError):
    """What is there stands against it: another sample, or a hauler's own data."""

    code = "cannot_load"


def chosen(hauler: Hauler, events: str) -> Rows:
    """One of EVENTS."""
    return hauler.all() if events == "all" else hauler.before if events == "before" else hauler.month


def load(rows: Rows, *, actor: Actor) -> Report:
    """Again changes nothing. Raises CannotLoad, and writes nothing then: a sample never changes what is there."""
    with transaction.atomic():
        report = import_tables([_table(name, rows[name]) for name in TABLES if rows.get(name)], actor=actor)
        if report.problems:
            raise CannotLoad(
                f"The sample does not go with what is there ({report.problems[0]}): load it where there is no other."
            )
        if changed := [f"{many} {name}" for name, many in report.changed.items() if many]:
            raise CannotLoad(
                f"The sample would change what is there ({', '.join(changed)}): load it where there is no other."
            )
    return report


def _table(name: str, rows: list[Row]) -> Table:
    columns = frozenset(TABLES[name].columns())
    return Table(
        TABLES[name], name, tuple(Read(name, number, row, columns) for number, row in enumerate(rows, start=1))
    )


def write_files(rows: Rows, folder: Path) -> None:
    """One CSV file a table. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, each in rows.items():
        if each:
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                write(file, TABLES[name].columns(), map(cells, each))


def last_month(today: date) -> date:
    """The first day of the last month that is over."""
    return shifted(today.replace(day=1), -1)
