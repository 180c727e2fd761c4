"""What webhooks are told of: the events by name, and what is sent of each. Thin: who wants more asks the API, as himself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from queues.contract import Json
from queues.ledger import states

DELIVERS = "queues.deliver_webhooks"  # the job that sends; what happens to it is told nobody, or it would never end
TEST = "webhook.test"
RUN_EVENTS = {
    states.SUCCEEDED: "run.succeeded",
    states.DEAD: "run.dead",
    states.CANCELLED: "run.cancelled",
    states.SCHEDULED: "run.retried",
}
WORDS = {
    "run.succeeded": "A run succeeded",
    "run.dead": "A run failed for good: a dead letter",
    "run.cancelled": "A run was cancelled",
    "run.retried": "An attempt failed, and another one follows",
    "alert.opened": "An alert was opened",
    "alert.worsened": "An alert became critical, or came back worse",
    "alert.resolved": "An alert is over",
}
EVENTS = tuple(WORDS)  # what may be subscribed to


@dataclass(frozen=True)
class RunEnd:
    """What a run became: `state` is succeeded, dead, cancelled, or scheduled (a retry). `at`: when."""

    id: UUID
    job: str
    queue: str
    state: str
    attempt: int
    at: datetime
    created_at: datetime
    started_at: datetime | None = None
    definition_id: int | None = None
    error_type: str = ""
    error_code: str = ""

    @property
    def event(self) -> str:
        """Its name; empty for what is no ending."""
        return "" if self.job == DELIVERS else RUN_EVENTS.get(self.state, "")

    @property
    def key(self) -> str:
        """A run that is put back ends again: so the moment is part of the key."""
        return f"{self.event}:{self.id}:{self.attempt}:{self.at.timestamp():.6f}"

    def data(self) -> dict[str, Json]:
        """Neither parameters nor result nor the error's message: they may hold what is personal."""
        failed = self.state in (states.DEAD, states.SCHEDULED)
        return {
            "id": str(self.id),
            "url": f"/api/v1/runs/{self.id}",
            "job": self.job,
            "queue": self.queue,
            "state": self.state,
            "attempt": self.attempt,
            "definition": self.definition_id,
            "created_at": stamp(self.created_at),
            "started_at": None if self.started_at is None else stamp(self.started_at),
            "finished_at": None if self.state in states.LIVE else stamp(self.at),
            "error": {"type": self.error_type, "code": self.error_code} if failed else None,
        }


def payload(event: str, at: datetime, data: Mapping[str, Json]) -> str:
    """The body, as Standard Webhooks has it. ASCII, so that signer and receiver see the same bytes."""
    return json.dumps({"type": event, "timestamp": stamp(at), "data": dict(data)}, separators=(",", ":"), default=str)


def stamp(at: datetime) -> str:
    """UTC with milliseconds, as in the API."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
