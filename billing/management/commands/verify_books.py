"""`manage.py verify_books`: do documents, numbers and the journal hold together? If not, what is wrong with which."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from billing.models import Document, Entry
from billing.selectors import soundness


class Command(BaseCommand):
    help = "Reads all final documents and the whole journal, and proves their sums and numbers. Exits with 1 if anything is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = list(soundness.faults())
        documents, entries = Document.objects.filter(state="final").count(), Entry.objects.count()
        if options["json"]:
            told = {"ok": not faults, "documents": documents, "entries": entries, "faults": faults}
            self.stdout.write(json.dumps(told))
        else:
            for fault in faults:
                self.stdout.write(f"WRONG  {fault}")
            word = "document" if documents == 1 else "documents"
            verdict = f"{len(faults):,} of what is told is wrong" if faults else "all is well"
            self.stdout.write(f"{documents:,} final {word}, {entries:,} entries: {verdict}.")
        if faults:
            raise SystemExit(1)
