"""A run's life as a list of moments, with the time each hop took. Pure but for the models' types."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from queues.models import Run, RunEvent

TONES = {
    "retry": "warn", "failed": "bad", "crashed": "bad", "given_back": "warn", "cancel_requested": "warn",
    "cancelled": "idle", "requeued": "info",
}  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """One entry; `hop_s` is the time since the entry before it, in seconds."""

    at: datetime
    title: str
    note: str = ""
    tone: str = "idle"
    hop_s: float | None = None


def timeline(run: Run, events: Iterable[RunEvent], worker: str = "", now: datetime | None = None) -> list[Moment]:
    """Created, due, claimed, started, finished, with the events between, in order of time."""
    moments = [
        Moment(run.created_at, "Created", f"by {run.actor or 'unknown'} ({run.source})" if run.source else run.actor)
    ]
    if (run.due_at - run.created_at).total_seconds() > 0.001:
        later = now is not None and run.due_at > now
        moments.append(Moment(run.due_at, "Will be due" if later else "Due"))
    if run.claimed_at:
        moments.append(Moment(run.claimed_at, "Claimed", f"by {worker}" if worker else ""))
    if run.started_at:
        moments.append(Moment(run.started_at, "Started", f"attempt {run.attempt} of {run.max_attempts}", "info"))
    moments += [
        Moment(event.at, event.get_kind_display(), _event_note(event), TONES.get(event.kind, "idle"))
        for event in events
    ]
    if run.finished_at:
        tone = {"succeeded": "ok", "dead": "bad"}.get(run.state, "idle")
        moments.append(Moment(run.finished_at, "Finished", Run.State(run.state).label.lower(), tone))
    moments.sort(key=lambda moment: moment.at)  # stable: the ordinary path comes first among equals
    return [
        Moment(m.at, m.title, m.note, m.tone, (m.at - moments[i - 1].at).total_seconds() if i else None)
        for i, m in enumerate(moments)
    ]


def durations(run: Run, now: datetime) -> dict[str, float | None]:
    """wait (due to started), processing (started to finished), total (created to finished); up to now while live."""
    end = run.finished_at or now
    begun = run.started_at or run.claimed_at
    wait_end = begun or end
    return {
        "wait": max(0.0, (wait_end - run.due_at).total_seconds()),
        "processing": (end - begun).total_seconds() if begun else None,
        "total": (end - run.created_at).total_seconds(),
    }


def _event_note(event: RunEvent) -> str:
    parts = [
        f"attempt {event.attempt}" if event.attempt else "",
        event.note,
        f"by {event.actor}" if event.actor else "",
    ]
    return " · ".join(part for part in parts if part)
