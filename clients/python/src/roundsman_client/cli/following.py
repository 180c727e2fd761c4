"""A run's news as they come: a bar for people, plain lines for pipes, JSON lines for programs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..client import Client
from ..errors import TimedOut, Unreachable
from ..models import SUCCEEDED, Event
from . import showing

FAILED, INTERRUPTED = 1, 130


class Shown(Protocol):
    def __call__(self, event: Event) -> None: ...


def follow(client: Client, run_id: str, *, as_json: bool, timeout_s: float | None = None) -> int:
    """Until it ends; the exit code. Raises TimedOut, ApiError, Unreachable, NotSignedIn."""
    try:
        with _by(timeout_s, run_id), _shown(as_json) as show:
            for event in client.watch(run_id):
                show(event)
                if event.kind == "end":
                    return 0 if event.data.get("state") == SUCCEEDED else FAILED
                if event.kind == "closed":
                    click.echo(showing.safe(event.data.get("why")), err=True)
                    return 3
    except KeyboardInterrupt:
        click.echo(f"\nThe run goes on. Watch it again: roundsman runs watch {run_id}", err=True)
        return INTERRUPTED
    raise Unreachable(f"The run's news ended without its end. Look at it: roundsman runs show {run_id}")


@contextmanager
def _shown(as_json: bool) -> Iterator[Shown]:
    if as_json:
        yield lambda event: showing.line({"event": event.kind, "id": event.id, **_but_id(event)})
    elif not showing.is_terminal():
        yield lambda event: click.echo(in_a_line(event))
    else:
        with _Bar() as bar:
            yield bar


def _but_id(event: Event) -> dict[str, Any]:
    """An event's data beside its own id; the run's or the line's has another name."""
    names = {"id": "line" if event.kind == "log" else "run"}
    return {names.get(name, name): value for name, value in event.data.items()}


def in_a_line(event: Event) -> str:
    data = event.data
    if event.kind == "log":
        return (
            f"log {showing.safe(data.get('at'))} {showing.safe(data.get('level'))} {showing.safe(data.get('message'))}"
        )
    if event.kind == "progress":
        return f"progress {showing.progress_text(data.get('done'), data.get('total'), data.get('note') or '')}"
    if event.kind == "state":
        return f"state {showing.safe(data.get('state'))} attempt {data.get('attempt')} of {data.get('max_attempts')}"
    said = (
        showing.error_text(data["error"]) if data.get("error") else showing.safe(data.get("result") or data.get("why"))
    )
    return " ".join(part for part in (event.kind, showing.safe(data.get("state")), said) if part)


class _Bar:
    """One line that moves, and the log above it."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=Console())
        self._task: TaskID = self._progress.add_task("waiting", total=None)
        self._state = "waiting"

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        data = event.data
        if event.kind == "state":
            self._state = showing.safe(data.get("state"))
            self._progress.update(self._task, description=self._state)
        elif event.kind == "progress":
            words = " ".join(part for part in (self._state, showing.safe(data.get("note"))) if part)
            self._progress.update(
                self._task, description=words, completed=data.get("done") or 0, total=data.get("total")
            )
        else:
            self._progress.console.print(Text(in_a_line(event)))


@contextmanager
def _by(timeout_s: float | None, run_id: str) -> Iterator[None]:
    """Raises TimedOut in the midst of whatever is waited for; where there are no alarms, only at the next news."""
    in_main = threading.current_thread() is threading.main_thread()
    if timeout_s is None or not in_main or not hasattr(signal, "setitimer"):
        yield
        return

    def over(number: int, frame: object) -> None:
        raise TimedOut(f"The run has not ended in {timeout_s:g} s; it goes on: roundsman runs watch {run_id}")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, max(timeout_s, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
