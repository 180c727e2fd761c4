"""`manage.py import_billing FOLDER|FILE… [--dry-run] [--json]`: the trade's data from CSV files, all of it or none."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, IntegrityError, InterfaceError

from billing.interchange import folder
from billing.services.imports import Report, digest, import_tables
from queues.contract import Actor

WRONG = 2


class Command(BaseCommand):
    help = (
        "Imports customers, contracts, prices, visits … from CSV files, one a table. Any bad row, and nothing is written: all bad rows "
        "are listed, and the exit code is 2. The same again changes nothing. The files: docs/reference/billing-files.md"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", nargs="+", type=Path, help="folders, or files that are called as their tables")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
        parser.add_argument("--json", action="store_true", help="the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            tables, contents, problems = folder.tables(options["path"])
            if problems:
                report = Report(problems=[*problems, *(each for table in tables for each in table.problems)])
            else:
                digests = {name: digest(content) for name, content in contents.items()}
                report = import_tables(
                    tables, actor=Actor.at_the_terminal(), dry_run=options["dry_run"], digests=digests
                )
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be read: {error.strerror}.", returncode=WRONG) from None
        except IntegrityError:
            raise CommandError(
                "Somebody else wrote the same rows meanwhile: nothing was written. Import again.", returncode=WRONG
            ) from None
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(
                f"The database does not answer: {' '.join(str(error).split())}", returncode=WRONG
            ) from None
        self.stdout.write(_json(report) if options["json"] else _words(report))
        if report.problems:
            many = len(report.problems)
            raise CommandError(
                f"{many} {'problem' if many == 1 else 'problems'}: nothing was written.", returncode=WRONG
            )


def _words(report: Report) -> str:
    if report.problems:
        return "\n".join(map(str, report.problems))
    verb = "written" if report.written else "would be written"
    lines = [
        f"{name}.csv: {report.new[name]} new, {report.changed[name]} changed, {report.unchanged[name]} unchanged"
        for name in report.new
    ]
    return "\n".join([*lines, f"{sum(report.new.values()) + sum(report.changed.values())} rows {verb}."])


def _json(report: Report) -> str:
    tables = {
        name: {"new": report.new[name], "changed": report.changed[name], "unchanged": report.unchanged[name]}
        for name in report.new
    }
    problems = [
        {"file": each.file, "row": each.row, "field": each.field, "message": each.message} for each in report.problems
    ]
    return json.dumps({"written": report.written, "tables": tables, "problems": problems}, ensure_ascii=False, indent=2)
