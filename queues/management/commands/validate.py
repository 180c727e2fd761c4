"""`manage.py validate`: configuration, connections, limits, and a run through every queue; what is wrong, and what to do."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError

from queues.watch import round_trip, validate
from queues.watch.findings import Finding

MARKS = {"ok": "ok     ", "warning": "WARNING", "fault": "FAULT  "}


class Command(BaseCommand):
    help = (
        "Checks configuration, connections, limits and a round trip of every queue, and says what to mend. "
        "Exits with 1 if anything is at fault; warnings are none."
    )
    requires_system_checks: list[str] = []  # they are among what is told

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-worker", action="store_true", help="no worker need run: finish the pings by itself")
        parser.add_argument("--timeout", type=float, default=10.0, help="seconds to wait for the queues (%(default)g)")
        parser.add_argument("--json", action="store_true", help="one JSON object at the end; progress goes to stderr")

    def handle(self, *args: Any, **options: Any) -> None:
        found: list[Finding] = []
        for finding in findings(self._say(options["json"]), options["timeout"], alone=options["no_worker"]):
            found.append(finding)
            if not options["json"]:
                self.stdout.write(line(finding))
        faults = sum(finding.level == "fault" for finding in found)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not faults, "findings": [asdict(finding) for finding in found]}))
        else:
            self.stdout.write(f"\n{summary(found)}")
        if faults:
            raise SystemExit(1)

    def _say(self, to_stderr: bool) -> Callable[[str], None]:
        stream = self.stderr if to_stderr else self.stdout
        return lambda text: stream.write(text, style_func=lambda said: said)


def findings(say: Callable[[str], None], timeout_s: float, *, alone: bool) -> Iterator[Finding]:
    """All of them, in order. Where the database does not answer, what needs it is left out: that it does not is told."""
    parts: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("Connections", validate.connections),
        ("Configuration", validate.configuration),
        ("Limits", validate.limits),
        (
            f"Queues, a run through each ({timeout_s:g} s at most)",
            partial(round_trip.round_trips, timeout_s, alone=alone),
        ),
    )
    whole = True
    for title, part in parts:
        say(title)
        try:
            for finding in part():
                whole = whole and not _in_the_way(finding)
                yield finding
        except (DatabaseError, InterfaceError) as error:
            told = " ".join(str(error).split())
            yield Finding("connections", "database", "fault", f"It does not answer: {told}", "Is DATABASE_URL right?")
            whole = False
        if not whole:
            say("The rest needs the database as it should be: mend that first.")
            return


def line(finding: Finding) -> str:
    mend = f"\n          → {finding.mend}" if finding.mend else ""
    return f"  {MARKS[finding.level]} {finding.about:<20} {finding.text}{mend}"


def summary(found: list[Finding]) -> str:
    faults, warnings = (sum(finding.level == level for finding in found) for level in ("fault", "warning"))
    if not faults and not warnings:
        return "All is well."
    return f"{faults} {'fault' if faults == 1 else 'faults'}, {warnings} {'warning' if warnings == 1 else 'warnings'}."


def _in_the_way(finding: Finding) -> bool:
    return finding.level == "fault" and finding.about in ("database", "migrations")
