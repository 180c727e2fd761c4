"""`manage.py alerts`: what is open now, the worst first. For people and for scripts."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from queues.ledger import clock
from queues.models import Alert
from queues.watch import alerts, health
from queues.watch.alert_news import data_of
from queues.watch.alert_overrides import InForce, in_force
from queues.watch.alert_rules import BY_NAME
from queues.watch.score import seconds

COLUMNS = ("level", "rule", "queue", "since", "")


class Command(BaseCommand):
    help = (
        "Lists the open alerts. It looks first, so that it tells the truth even where no worker lives. "
        "Exits with 1 if a critical one is open that is not muted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            health.tick()
            alerts.tick()
            rows, rules = list(Alert.objects.filter(resolved_at__isnull=True)), in_force()
        except (DatabaseError, InterfaceError) as error:
            told = " ".join(str(error).split())
            raise CommandError(f"The database does not answer, so nothing can be told: {told}", returncode=2) from None
        now = clock.now()
        rows.sort(key=lambda row: (row.level != "critical", row.opened_at))
        if options["json"]:
            found = [data_of(row) | _care(row, rules, now) for row in rows]
            self.stdout.write(json.dumps({"at": now.isoformat(), "alerts": found}))
        else:
            self.stdout.write(table(rows, rules, now) if rows else "No alert is open.")
        loud = [row for row in rows if rules.muted_until(row.rule, row.queue, now) is None]
        if any(row.level == "critical" for row in loud):
            raise SystemExit(1)


def table(rows: Iterable[Alert], rules: InForce, now: datetime) -> str:
    """Aligned columns; below each alert what to do about it."""
    found = list(rows)
    cells = [COLUMNS, *(_cells(row, rules, now) for row in found)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS) - 1)]
    lines = []
    for number, row in enumerate(cells):
        lines.append("  ".join([*(c.ljust(w) for c, w in zip(row[:-1], widths, strict=True)), row[-1]]).rstrip())
        rule = BY_NAME.get(found[number - 1].rule) if number else None
        if rule is not None:
            lines.append(f"    {rule.act} (docs/runbooks/{rule.runbook})")
    return "\n".join(lines)


def _cells(row: Alert, rules: InForce, now: datetime) -> tuple[str, ...]:
    care = _care(row, rules, now)
    said = f" [{care['acknowledged_by']} is on it]" if care["acknowledged_by"] else ""
    muted = " [muted]" if care["muted_until"] else ""
    since = seconds(max(0.0, (now - row.opened_at).total_seconds()))
    return row.level, row.rule, row.queue or "-", since, f"{row.text}{said}{muted}"


def _care(row: Alert, rules: InForce, now: datetime) -> dict[str, str | None]:
    until = rules.muted_until(row.rule, row.queue, now)
    return {"acknowledged_by": row.acknowledged_by, "muted_until": until.isoformat() if until else None}
