"""Examples for the schema: what a client would really send and get."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

_ID = "01981c2e-5f2a-7c44-9a57-1f0d6f1f9f10"
_RUN: dict[str, Any] = {
    "id": _ID,
    "url": f"/api/v1/queue/maintenance/jobs/{_ID}",
    "job": "queues.clean_history",
    "title": "Clean the history",
    "queue": "maintenance",
    "state": "pending",
    "priority": 0,
    "params": {"dry_run": True, "chunk": 500, "samples_days": 14},
    "definition": None,
    "schedule": None,
    "parent_id": None,
    "dedupe_key": "nightly",
    "cached": False,
    "attempt": 0,
    "max_attempts": 3,
    "created_at": "2026-11-23T05:30:00.120Z",
    "due_at": "2026-11-23T05:30:00.120Z",
    "claimed_at": None,
    "started_at": None,
    "finished_at": None,
    "cancel_requested_at": None,
    "wait_s": None,
    "processing_s": None,
    "total_s": None,
    "progress": None,
    "result": None,
    "error": None,
    "spend_usd": "0.000000",
    "actor": "dana",
    "source": "api",
    "request_id": "0f9a1c52-6f0e-4f0b-9d0c-2b1c7f7f6a11",
    "events": [],
}
_FINISHED = {
    "state": "succeeded",
    "attempt": 1,
    "claimed_at": "2026-11-23T05:30:00.131Z",
    "started_at": "2026-11-23T05:30:00.140Z",
    "finished_at": "2026-11-23T05:30:00.480Z",
    "wait_s": 0.02,
    "processing_s": 0.34,
    "total_s": 0.36,
    "progress": {"done": 812.0, "total": 812.0, "note": "Counted; nothing was deleted."},
    "result": {"dry_run": True, "runs": 800, "samples": 12, "jobs": {"queues.clean_history": 800}},
}

REQUESTS = [
    OpenApiExample(
        "A job by name",
        value={
            "job": "queues.clean_history",
            "params": {"dry_run": True},
            "dedupe_key": "nightly",
            "why": "How much is there?",
        },
        request_only=True,
    ),
    OpenApiExample(
        "A definition, later",
        value={"definition": "Plan tomorrow's routes", "at": "2026-11-24T04:00:00Z", "priority": 5},
        request_only=True,
    ),
]


def _asked(name: str, **value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


PAUSE = _asked("Until tomorrow", why="The provider is down", until="2026-11-24T04:00:00Z")
RESUME = _asked("With a reason", why="The provider is back")
DRAIN = _asked("Before an update", why="Version 2 is rolled out")
CLEAN = [
    _asked("Only counted", why="How many are there?", dry_run=True),
    _asked("What has waited for a day", why="Nobody needs it any more", states=["pending"], older_than_s=86_400),
]
RETRY_FAILED = [
    _asked("Only counted", why="How many are there?", dry_run=True),
    _asked("A queue's, a hundred at most", why="The provider is back", queue="billing", limit=100),
]
SIGN_IN = _asked("With a second factor", username="dana", password="a-long-password-7", otp="492039")  # nosec B106 # an example
REFRESH = _asked("The token that came last", refresh="eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJqdGkiOiIxIn0.c2ln")
WHY = OpenApiExample("With a reason", value={"why": "The customer called it off"}, request_only=True)
HEALTH = OpenApiExample(
    "One queue waits",
    value={
        "at": "2026-11-23T05:30:00.000Z",
        "score": 70,
        "grade": "C",
        "word": "warning",
        "components": [
            {"name": "database", "up": True, "detail": ""},
            {"name": "redis", "up": True, "detail": ""},
            {"name": "workers", "up": True, "detail": "2 live"},
        ],
        "queues": [
            {
                "queue": "email",
                "score": 70,
                "grade": "C",
                "word": "warning",
                "reasons": [
                    {
                        "code": "paused",
                        "text": "The queue is paused and 3 runs wait, the oldest for 12 s.",
                        "points": 30,
                    }
                ],
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)


def runs(status: int) -> list[OpenApiExample]:
    """A run as it answers with this status: just accepted, or finished."""
    name = "Accepted" if status == 202 else "Succeeded"
    return [OpenApiExample(name, value=one_run(status), response_only=True, status_codes=[str(status)])]


def one_run(status: int) -> dict[str, Any]:
    """See `runs`."""
    return _RUN if status == 202 else {**_RUN, **_FINISHED}
