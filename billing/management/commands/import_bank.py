"""`manage.py import_bank FILE`: what customers paid by bank, out of the bank's statement."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pydantic
from django.core.management.base import BaseCommand, CommandError

from billing import amounts
from billing.bank_csv import CsvForm
from billing.errors import CannotSettle, StatementUnreadable
from billing.services import bank
from queues.contract import Actor


class Command(BaseCommand):
    help = "Books what customers paid, out of a bank's CAMT.053, CAMT.054 or CSV. Again is no harm: each booking counts once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would become of each booking; keep nothing"
        )
        parser.add_argument("--form", type=Path, help="how the bank writes its CSV: a JSON file")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = Actor(label="import_bank", source="command")
        try:
            report = bank.import_statement(
                options["file"].read_bytes(), options["file"].name, actor=actor, csv_form=_form(options["form"]),
                dry_run=options["dry_run"],
            )  # fmt: skip
        except (OSError, StatementUnreadable, CannotSettle) as error:
            raise CommandError(f"{options['file'].name}: {error} Nothing was imported.", returncode=2) from None
        if options["json"]:
            told = {
                "form": report.form,
                "dry_run": options["dry_run"],
                "counts": report.counts,
                "warnings": report.warnings,
            }
            self.stdout.write(json.dumps(told | {"lines": [asdict(line) for line in report.lines]}, default=str))
            return
        for line in report.lines:
            amount = amounts.words(line.amount_minor, line.currency)
            self.stdout.write(f"{line.outcome:<9}  {line.booked_on}  {amount:>16}  {line.payer or '-'}: {line.why}")
        for warning in report.warnings:
            self.stderr.write(f"Note: {warning}")
        counted = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items())
        self.stdout.write(f"{counted}.{' Nothing was kept.' if options['dry_run'] else ''}")


def _form(path: Path | None) -> CsvForm | None:
    if path is None:
        return None
    try:
        return CsvForm.model_validate_json(path.read_bytes())
    except (OSError, pydantic.ValidationError) as error:
        raise CommandError(f"{path.name}: {error}", returncode=2) from None
