"""`manage.py export_audit --format csv|jsonl --from DATE --to DATE`: the audit log to standard output or into a file."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError
from django.utils.dateparse import parse_date, parse_datetime

from queues.contract import Actor
from queues.ledger import audit, audit_rows
from queues.ledger.audit_export import FORMATS, exported
from queues.models import AuditEntry


class Command(BaseCommand):
    help = (
        "Writes the audit log, the oldest entry first, as CSV or JSON lines; e-mail addresses and telephone numbers are "
        "masked. That it was done, and by whom, is entered in the audit log itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=tuple(FORMATS), default="csv", help="(%(default)s)")
        parser.add_argument("--from", dest="since", metavar="WHEN", help="from this day or moment on (ISO 8601, UTC)")
        parser.add_argument("--to", dest="until", metavar="WHEN", help="up to and without this day or moment")
        parser.add_argument("--actor", help="of this one alone")
        parser.add_argument("--unmasked", action="store_true", help="with all personal data: keep it accordingly")
        parser.add_argument("--output", metavar="FILE", help="a new file, readable to you alone")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = AuditEntry.objects.filter(pk__lte=self._last())
        if since := _moment("--from", options["since"]):
            rows = rows.filter(at__gte=since)
        if until := _moment("--to", options["until"]):
            rows = rows.filter(at__lt=until)
        if options["actor"]:
            rows = rows.filter(actor=options["actor"])
        named = ("format", "since", "until", "actor")
        about = {name: options[name] for name in named if options[name]} | {"masked": not options["unmasked"]}
        try:
            with ExitStack() as open_files:
                stream: Any = self.stdout
                if options["output"]:
                    stream = open_files.enter_context(_file(options["output"]))
                audit.write(Actor.at_the_terminal(), "audit.export", object_type="audit", object_id="log", after=about)
                for piece in exported(rows, options["format"], masked=not options["unmasked"]):
                    stream.write(piece, ending="") if stream is self.stdout else stream.write(piece)
        except BrokenPipeError:  # as by `| head`: nobody reads any more
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database does not answer: {' '.join(str(error).split())}", returncode=2) from None

    def _last(self) -> int:
        """The entry that tells of the export is not in it."""
        try:
            return audit_rows.newest_id()
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database does not answer: {' '.join(str(error).split())}", returncode=2) from None


def _file(path: str) -> TextIO:
    try:
        handle = os.open(Path(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"{path} cannot be made: {error.strerror}.") from None
    return os.fdopen(handle, "w", encoding="utf-8", newline="")


def _moment(option: str, text: str | None) -> datetime | None:
    """A day begins at midnight UTC; a moment without a zone is UTC."""
    if not text:
        return None
    try:
        day = parse_date(text)
        found = datetime.combine(day, time()) if day is not None else parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"{option} {text} is neither a day nor a moment. Example: {option} 2026-11-01")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
