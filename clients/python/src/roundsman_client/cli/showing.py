"""What is written: tables for people, tabs for pipes, JSON for programs.

Texts of the server (a job's title, a log line) never reach a terminal as commands of it: control characters are replaced.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..models import Run

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COLOURS = {"succeeded": "green", "dead": "red", "cancelled": "yellow", "running": "cyan", "paused": "yellow"}


def safe(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else _CONTROL.sub("\ufffd", str(value))


def is_terminal() -> bool:
    return sys.stdout.isatty()


def document(told: Any) -> None:
    click.echo(json.dumps(told, indent=2 if is_terminal() else None, ensure_ascii=False))


def line(told: Mapping[str, Any]) -> None:
    click.echo(json.dumps(told, ensure_ascii=False))


def rows(names: Sequence[str], found: Iterable[Sequence[Any]]) -> None:
    """A table; where nobody looks, a line each with tabs, as they come."""
    if not is_terminal():
        for values in found:
            click.echo("\t".join(re.sub(r"[\t\n]", " ", safe(value)) for value in values))
        return
    table = Table(*names, box=None, pad_edge=False, header_style="bold")
    for values in found:
        table.add_row(*(Text(safe(value), style=_COLOURS.get(safe(value), "")) for value in values))
    Console().print(table)


def facts(pairs: Iterable[tuple[str, Any]]) -> None:
    """Names and values; what has no value is left out."""
    for name, value in pairs:
        if value not in (None, "", {}, []):
            shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else safe(value)
            click.echo(f"{name + ':':<13}{shown}")


def run(told: Run) -> None:
    progress, error = told.progress, told.error
    facts([
        ("run", told.id), ("job", f"{told.job} ({told.title})" if told.title else told.job), ("queue", told.queue),
        ("state", told.state), ("attempt", f"{told.attempt} of {told.max_attempts}"), ("definition", told.definition),
        ("schedule", told.schedule), ("params", told.params), ("created", told.created_at), ("due", told.due_at),
        ("started", told.started_at), ("finished", told.finished_at), ("reused", "an earlier result" if told.cached else ""),
        ("progress", progress and progress_text(progress.done, progress.total, progress.note)),
        ("result", told.result), ("error", error and error_text(error.__dict__)),
    ])  # fmt: skip


def progress_text(done: float | None, total: float | None, note: str) -> str:
    far = "" if done is None else f"{done:g}" if total is None else f"{done:g} of {total:g}"
    return " ".join(part for part in (far, safe(note)) if part)


def error_text(error: Mapping[str, Any]) -> str:
    name = error.get("code") or error.get("type") or ""
    return safe(": ".join(str(part) for part in (name, error.get("message")) if part))
