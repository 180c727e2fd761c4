"""`manage.py verify_audit [--head SEQ:HASH]`: is the audit log as it was sealed? If not, what was done to which row."""

from __future__ import annotations

import json
import re
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from queues.ledger import audit_rows, verify
from queues.ledger.verify import Verdict

HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})", re.ASCII)
ANEW_S = 0.5  # between two words of progress


class Command(BaseCommand):
    help = (
        "Proves the audit log's chain of seals, entry by entry, and prints its head: keep that elsewhere, and give it "
        "with --head the next time. Exits with 1 if anything is wrong, and with 2 if it cannot be told."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head", action="append", default=[], metavar="SEQ:HASH", help="kept from before; any number"
        )
        parser.add_argument(
            "--older-than",
            type=float,
            default=120.0,
            metavar="S",
            help="seconds an entry may be unsealed (%(default)g)",
        )
        parser.add_argument("--quiet", action="store_true", help="say nothing but what is wrong")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        anchors = _anchors(options["head"])
        shown = sys.stderr.isatty() and not options["quiet"]
        try:
            told = verify.verify(
                anchors,
                older_than_s=options["older_than"],
                on_progress=self._progress() if shown else lambda done: None,
            )
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database does not answer: {' '.join(str(error).split())}", returncode=2) from None
        finally:
            if shown:
                self.stderr.write("\r\033[K", ending="")
        if options["json"]:
            self.stdout.write(json.dumps(as_json(told)))
        else:
            self._say(told, quiet=options["quiet"])
        if told.faults:
            raise SystemExit(1)

    def _say(self, told: Verdict, *, quiet: bool) -> None:
        for fault in told.faults:
            self.stdout.write(f"WRONG  {fault.text}")
        if quiet:
            return
        word = "entry is" if told.good == 1 else "entries are"
        rest = f"; {told.unsealed:,} not sealed yet" if told.unsealed else ""
        self.stdout.write(f"{told.good:,} {word} as sealed{rest}. {_speed(told):,} entries/s.")
        if told.good and not told.faults:
            self.stdout.write(
                f"Head: {told.head[0]}:{told.head[1]}\nKeep it elsewhere, and give it with --head next time."
            )

    def _progress(self) -> Callable[[int], None]:
        state = audit_rows.head()
        total, said_s = state[0] if state else 0, 0.0

        def say(done: int) -> None:
            nonlocal said_s
            if time.monotonic() - said_s >= ANEW_S:
                said_s = time.monotonic()
                self.stderr.write(f"\r{done:,} of {total:,} entries", ending="", style_func=lambda text: text)

        return say


def as_json(told: Verdict) -> dict[str, Any]:
    """For machines; `head` is null where nothing is sealed."""
    return {
        "ok": not told.faults,
        "entries": told.good,
        "unsealed": told.unsealed,
        "head": f"{told.head[0]}:{told.head[1]}" if told.good else None,
        "faults": [asdict(fault) for fault in told.faults],
        "seconds": round(told.took_s, 3),
        "entries_per_s": _speed(told),
    }


def _anchors(given: list[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for text in given:
        match = HEAD.fullmatch(text.strip().lower())
        if match is None:
            raise CommandError(f"--head {text} is no head: a number, a colon, and 64 hexadecimal digits.", returncode=2)
        seq, value = int(match[1]), match[2]
        if seq and found.setdefault(seq, value) != value:
            raise CommandError(f"--head is given twice for {seq}, and not alike.", returncode=2)
    return found


def _speed(told: Verdict) -> int:
    return round(told.good / told.took_s) if told.took_s > 0 else 0
