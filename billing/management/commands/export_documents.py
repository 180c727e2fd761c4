"""`manage.py export_documents RUN FOLDER`: a billing run's documents as files."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from billing.services.run_files import KINDS, export_run
from queues.contract import Actor
from queues.errors import RoundsmanError


class Command(BaseCommand):
    help = (
        "Writes the PDF and the EN 16931 XML of each final document of a billing run into a folder, readable to you alone, with their "
        "SHA-256 sums. A file that is there stays. Exit code 1: nothing more was written, or a file could not be made; 2: no database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", help="the billing run's code, e.g. 2026-11-01")
        parser.add_argument("folder", type=Path)
        parser.add_argument("--kind", action="append", choices=KINDS, help="only this one (again for more)")

    def handle(self, *args: Any, **options: Any) -> None:
        kinds = tuple(options["kind"] or KINDS)
        try:
            tally = export_run(options["run"], options["folder"], actor=_actor(), kinds=kinds)
        except RoundsmanError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename or options['folder']} cannot be written: {error.strerror}.") from None
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database does not answer: {' '.join(str(error).split())}", returncode=2) from None
        self.stdout.write(f"{tally.made:,} files written, {tally.kept:,} were there.")
        for number, why in tally.without.items():
            self.stdout.write(f"{number} has no EN 16931 XML: {why}")
        if tally.faults:
            raise CommandError("\n".join(f"{which}: {why}" for which, why in tally.faults.items()))


def _actor() -> Actor:
    """Whoever is signed in on this machine."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # a process without a name, as in some containers
        who = "somebody"
    return Actor(label=f"{who} (manage.py)", source="command")
