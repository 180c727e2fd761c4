"""`manage.py health`: every queue's score, grade and reasons, as they are now."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from queues.watch import health
from queues.watch.score import QueueFacts, Verdict, judge, seconds

COLUMNS = ("queue", "score", "grade", "state", "due", "oldest", "running", "later", "dead", "workers", "rate/min")


class Command(BaseCommand):
    help = "Shows how every queue is, with the reasons. Exits with 1 if any is graded F."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            seen = health.look_now()
        except (DatabaseError, InterfaceError) as error:
            told = " ".join(str(error).split())
            raise CommandError(f"The database does not answer, so nothing can be told: {told}", returncode=2) from None
        found = [(facts, judge(facts)) for facts in seen.facts.values()]
        if options["json"]:
            self.stdout.write(json.dumps(_data(seen.at.isoformat(), found)))
        else:
            self.stdout.write(table(found))
        if any(verdict.grade == "F" for _, verdict in found):
            raise SystemExit(1)


def table(found: list[tuple[QueueFacts, Verdict]]) -> str:
    """Aligned columns, then each queue's reasons with the points they cost."""
    rows = [COLUMNS, *(_cells(facts, verdict) for facts, verdict in found)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for facts, verdict in found:
        lines += [f"{facts.queue}: -{reason.points}  {reason.text}" for reason in verdict.reasons]
    return "\n".join(lines)


def _cells(f: QueueFacts, verdict: Verdict) -> tuple[str, ...]:
    state = "off" if not f.enabled else "paused" if f.paused else verdict.word
    oldest = seconds(f.oldest_wait_s) if f.depth else "-"
    numbers = (f"{f.running}/{f.concurrency}", f.scheduled, f.dead, f.workers, f"{f.rate_per_min:g}")
    return (f.queue, str(verdict.score), verdict.grade, state, str(f.depth), oldest, *map(str, numbers))


def _data(at: str, found: list[tuple[QueueFacts, Verdict]]) -> dict[str, object]:
    worst = min((verdict for _, verdict in found), key=lambda verdict: verdict.score)
    return {
        "at": at,
        "score": worst.score,
        "grade": worst.grade,
        "queues": [
            {
                **vars(facts),
                "score": verdict.score,
                "grade": verdict.grade,
                "word": verdict.word,
                "reasons": verdict.told(),
            }
            for facts, verdict in found
        ],
    }
