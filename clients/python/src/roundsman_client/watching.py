"""News of a run until it ends: its stream, taken up again where it broke, and asking now and then where there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx

from . import sse
from .errors import ApiError, Unreachable
from .models import Event, Json
from .transport import Transport, unreachable

SILENCE_S = 45.0  # the server fills a silence after 15 s: three missed, and the connection is dead
COME_AGAIN_S = 2.0
BREAKS = 10  # in a row, without a word between them
LAST = frozenset({"end", "closed"})
_STATE = ("id", "state", "attempt", "max_attempts", "due_at", "started_at", "finished_at", "cancel_requested_at")


class Watch:
    """One run. `last_id` is the id of the last event that was told: give it to go on from there."""

    def __init__(self, transport: Transport, run_id: str, last_id: str = "") -> None:
        self._transport, self._path, self.last_id = transport, f"api/v1/runs/{run_id}", last_id
        self._told: dict[str, str] = {}
        self._log_page: str | None = f"{self._path}/log"

    def events(self) -> Iterator[Event]:
        """Until `end` or `closed`; nothing at all if the end was heard before. No line comes twice.

        Raises ApiError (e.g. 404), NotSignedIn, Unreachable (nothing was heard for ten tries).
        """
        breaks = 0
        while True:
            wait_s = COME_AGAIN_S
            try:
                for event in self._round():
                    breaks = 0
                    if event is None:
                        return
                    if self._is_news(event):
                        yield event
                    if event.kind in LAST:
                        return
            except httpx.TransportError as error:
                breaks += 1
                if breaks >= BREAKS:
                    raise unreachable(_request_of(error), error) from error
                wait_s = min(30.0, COME_AGAIN_S * breaks)
            except (ApiError, Unreachable) as error:
                if isinstance(error, ApiError) and error.status < 500 and error.status != 429:
                    raise
                breaks += 1
                if breaks >= BREAKS:
                    raise
                wait_s = min(30.0, (isinstance(error, ApiError) and error.retry_after_s) or COME_AGAIN_S * breaks)
            self._transport.sleep(wait_s)

    def _round(self) -> Iterator[Event | None]:
        """What one stream tells, or one poll where there is no stream now. None: all was told before."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self.last_id} if self.last_id else {})
        try:
            with self._transport.stream(f"{self._path}/stream", headers, SILENCE_S) as response:
                if response.status_code == 204:
                    yield None
                    return
                if response.headers.get("Content-Type", "").startswith("text/event-stream"):
                    for event in sse.events(sse.lines(response.iter_bytes())):
                        self.last_id = event.id or self.last_id
                        yield event
                    return
        except ApiError as error:
            if error.status in (401, 403):
                raise
        yield from self._poll()

    def _poll(self) -> Iterator[Event]:
        run: Json = self._transport.ask("GET", self._path).json()
        yield Event("state", {name: run.get(name) for name in _STATE}, self.last_id)
        yield from self._lines()
        if run.get("progress"):
            yield Event("progress", run["progress"], self.last_id)
        if run.get("finished_at") and run["state"] in ("succeeded", "dead", "cancelled"):
            self.last_id = f"{self._after()}.end"
            yield Event("end", {name: run.get(name) for name in ("state", "result", "error")}, self.last_id)

    def _lines(self) -> Iterator[Event]:
        """The lines behind the last one; the last page is kept, for more may come to it."""
        page = self._log_page
        while page is not None:
            self._log_page = page
            told = self._transport.ask("GET", page).json()
            for line in told["items"]:
                if line["id"] > self._after():
                    self.last_id = str(line["id"])
                    yield Event("log", line, self.last_id)
            page = told["next"]

    def _after(self) -> int:
        number = self.last_id.partition(".")[0]
        return int(number) if number.isdecimal() else 0

    def _is_news(self, event: Event) -> bool:
        """A stream that is taken up again tells state and progress anew."""
        if event.kind not in ("state", "progress"):
            return True
        text = json.dumps(event.data, sort_keys=True)
        if self._told.get(event.kind) == text:
            return False
        self._told[event.kind] = text
        return True


def _request_of(error: httpx.TransportError) -> Any:
    return error.request
