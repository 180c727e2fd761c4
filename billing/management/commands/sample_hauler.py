"""`manage.py sample_hauler --contracts 75|750 --seed N`: a hauler made up, with the events of two months."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from billing.samples import hauler
from billing.services import samples
from queues.contract import Actor, ports

ACTOR = Actor(label="sample_hauler", source="command")
MOST = 100_000


class Command(BaseCommand):
    help = (
        "Makes up a hauler: customers in several countries and currencies, contracts of every kind, and the events of a month and of the "
        "one before it, faults included. The same for the same seed, month and size."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--contracts", type=int, default=75, help="how many (%(default)s)")
        parser.add_argument("--seed", type=int, default=1, help="another one makes another hauler (%(default)s)")
        parser.add_argument("--month", help="like 2026-10; by default the last one that is over")
        parser.add_argument(
            "--events", choices=samples.EVENTS, default="all",
            help="before: everything up to the month; month: the events of the month, and late ones of the month before (after that was billed); all: both (%(default)s)",
        )  # fmt: skip
        parser.add_argument("--no-faults", action="store_true", help="no contract that cannot be priced")
        parser.add_argument(
            "--only-files", metavar="FOLDER", type=Path, help="write CSV files, and nothing to the database"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["contracts"] <= MOST:
            raise CommandError(f"--contracts is 1 to {MOST:,}.")
        made = hauler.make(
            options["contracts"], options["seed"], _month(options["month"]), faults=not options["no_faults"]
        )
        rows = samples.chosen(made, options["events"])
        try:
            if options["only_files"] is not None:
                samples.write_files(rows, options["only_files"])
                told = f"written to {options['only_files']}"
            else:
                samples.load(rows, actor=ACTOR)
                told = "loaded"
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}.", returncode=2) from None
        except samples.CannotLoad as error:
            raise CommandError(str(error), returncode=2) from None
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database does not answer: {' '.join(str(error).split())}", returncode=2) from None
        many = {name: len(each) for name, each in rows.items() if each}
        self.stdout.write(f"{', '.join(f'{number:,} {name}' for name, number in many.items())}: {told}.")


def _month(text: str | None) -> date:
    if text is None:
        return samples.last_month(ports.now().date())
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", text, re.ASCII):
        raise CommandError(f"--month {text} is no month. Example: --month 2026-10")
    return date.fromisoformat(f"{text}-01")
