"""`manage.py export_billing FOLDER`: the trade's data and the books as CSV files."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from billing.services.exports import export_folder
from queues.contract import Actor


class Command(BaseCommand):
    help = (
        "Writes the files that import_billing reads, and documents.csv, lines.csv and entries.csv for accountants, into a new folder, "
        "readable to you alone. They hold personal data: keep them accordingly. That it was done is entered in the audit log."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a new or empty one")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = export_folder(options["folder"], actor=Actor.at_the_terminal())
        except OSError as error:
            raise CommandError(
                f"{error.filename or options['folder']} cannot be written: {error.strerror}.", returncode=2
            ) from None
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database does not answer: {' '.join(str(error).split())}", returncode=2) from None
        for name, many in reversed(told.items()):
            self.stdout.write(f"{name}.csv: {many} rows")
