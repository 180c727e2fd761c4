"""`manage.py reseal [--dry-run]`: after a new key was put first in ENCRYPTION_KEYS, everything sealed is sealed with it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from queues import encryption
from queues.contract import Actor
from queues.ledger import reseal
from queues.ledger.reseal import Tally


class Command(BaseCommand):
    help = (
        "Seals every sealed value with the first key of ENCRYPTION_KEYS, while everything goes on; then the keys behind it can "
        "be taken away. May be stopped and started again. Exits with 1 if there is a value that no key opens."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        shown = sys.stderr.isatty()
        told = reseal.reseal(
            actor=Actor(label="reseal", source="command"),
            on_progress=self._progress if shown else lambda tally: None,
            dry_run=options["dry_run"],
        )
        if shown:
            self.stderr.write("\r\033[K", ending="")
        verb = "to be renewed" if options["dry_run"] else "renewed"
        for each in told:
            self.stdout.write(f"{each.what}: {each.sealed:,} sealed, {each.renewed:,} {verb}")
            for lost in each.lost:
                self.stdout.write(f"  CANNOT BE OPENED  {lost}")
        if any(each.lost for each in told):
            self.stdout.write("Put the key that sealed these back into ENCRYPTION_KEYS, behind the others.")
            raise SystemExit(1)
        if not options["dry_run"]:
            self.stdout.write(
                f"Everything is under the key {encryption.keyring().newest}: the ones behind it can be taken away."
            )

    def _progress(self, tally: Tally) -> None:
        self.stderr.write(
            f"\r{tally.what}: {tally.sealed:,} seen, {tally.renewed:,} renewed", ending="", style_func=str
        )
