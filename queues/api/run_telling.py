"""News of a run → Server-Sent Events. Pure.

Each event's id is the last log line told, so that whoever comes again with `Last-Event-ID` hears no line twice; state
and progress are told anew. The end's id is marked: who has heard it need not come again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder

from queues.api.fields import Moment
from queues.watch.run_news import News

ENDED = ".end"
_ID = re.compile(r"(\d{1,18})(\.end)?", re.ASCII)
_MOMENT = Moment()
_STATE = ("id", "state", "attempt", "max_attempts", "due_at", "started_at", "finished_at", "cancel_requested_at")
_LINE = ("id", "at", "attempt", "level", "message")

BEGIN = b"retry: 2000\n\n"  # when to come again after a break, in ms
HEARTBEAT = b": still here\n\n"
COME_AGAIN = b": time is over, come again with Last-Event-ID\n\n"


def last_id(header: str) -> tuple[int, bool] | None:
    """`Last-Event-ID` → the last line told, and whether the end was told; None for what we never gave out."""
    found = _ID.fullmatch(header.strip())
    return (int(found[1]), found[2] is not None) if found else None


class Teller:
    """Remembers what it has told of one run, and tells what is new."""

    def __init__(self, after: int = 0) -> None:
        self.after = after
        self._told: dict[str, str] = {}

    def tell(self, news: News) -> Iterator[bytes]:
        """Whatever has changed, and the end last."""
        if not news.allowed:
            yield self._event("closed", {"why": "Your account or its roles do not reach this run any more."})
            return
        if news.run is None:
            yield self._event("closed", {"why": "The run is deleted: its retention is over."})
            return
        run = news.run
        yield from self._changed("state", {name: run[name] for name in _STATE})
        for line in news.lines:
            self.after = line["id"]
            yield self._event("log", {name: line[name] for name in _LINE})
        done, total, note = run["progress_done"], run["progress_total"], run["progress_note"]
        if done is not None or total is not None or note:
            yield from self._changed("progress", {"done": done, "total": total, "note": note})
        if news.ended:
            error = {name: run[f"error_{name}"] for name in ("type", "code", "message")}
            told = {"state": run["state"], "result": run["result"], "error": error if any(error.values()) else None}
            yield self._event("end", told, ENDED)

    def _changed(self, name: str, data: Mapping[str, Any]) -> Iterator[bytes]:
        text = _json(data)
        if self._told.get(name) != text:
            self._told[name] = text
            yield self._event(name, data)

    def _event(self, name: str, data: Mapping[str, Any], mark: str = "") -> bytes:
        return f"id: {self.after}{mark}\nevent: {name}\ndata: {_json(data)}\n\n".encode()


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if isinstance(o, UUID):
            return str(o)
        return _MOMENT.to_representation(o) if hasattr(o, "astimezone") else super().default(o)


def _json(data: Mapping[str, Any]) -> str:
    """One line: JSON has no raw line breaks."""
    return json.dumps(data, cls=_Encoder, separators=(",", ":"))
