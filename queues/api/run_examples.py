"""Examples of runs in lists, their logs and streams, for the schema."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

from queues.api.examples import one_run

_LEFT_OUT = ("params", "result", "events")
_RUN = one_run(200)
_ITEM = {**{name: value for name, value in _RUN.items() if name not in _LEFT_OUT}, "concurrency_key": ""}
_AT = "2026-11-23T05:30:00.300Z"


def _answer(name: str, value: Any, media_type: str = "application/json") -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=["200"], media_type=media_type)


PAGE = _answer(
    "A page",
    {"items": [_ITEM], "next": "/api/v1/runs?state=succeeded&limit=1&cursor=WyIwMTk4MWMyZSJd"},
)
PROGRESS = _answer(
    "Under way",
    {
        "id": _RUN["id"], "state": "running", "attempt": 1, "max_attempts": 3, "done": 406.0, "total": 812.0,
        "percent": 50.0, "note": "406 runs deleted", "cancel_requested_at": None, "finished_at": None,
    },
)  # fmt: skip
LOG = _answer(
    "A page",
    {
        "items": [
            {"id": 4711, "at": _AT, "attempt": 1, "level": "info", "message": "812 runs are past their retention."}
        ],
        "next": None,
    },
)
LOG_TEXT = _answer("Lines", f"{_AT} info    1 812 runs are past their retention.\n", "text/plain")
EVENTS = _answer(
    "A page",
    {
        "items": [
            {
                "id": 12,
                "at": _AT,
                "kind": "retry",
                "attempt": 1,
                "actor": "",
                "note": "ConnectTimeout: no answer in 5 s",
            }
        ],
        "next": None,
    },
)
STREAM = _answer(
    "A run to its end",
    "retry: 2000\n\n"
    f'id: 0\nevent: state\ndata: {{"id":"{_RUN["id"]}","state":"running","attempt":1,"cancel_requested_at":null}}\n\n'
    'id: 0\nevent: progress\ndata: {"done":406.0,"total":812.0,"note":"406 runs deleted"}\n\n'
    f'id: 4711\nevent: log\ndata: {{"id":4711,"at":"{_AT}","attempt":1,"level":"info","message":"Half of it."}}\n\n'
    'id: 4711.end\nevent: end\ndata: {"state":"succeeded","result":{"runs":812},"error":null}\n\n',
    "text/event-stream",
)
