"""What passes between a worker and its child processes: framed JSON on a socket; nothing is pickled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from queues.errors import LeaseLost, RoundsmanError, RunCancelled, RunTimeout, WorkerStopping
from queues.ledger import clock
from queues.ledger.facts import Claim, Ending, LogLine, Progress

_runs: TypeAdapter[tuple[float | None, Claim]] = TypeAdapter(tuple[float | None, Claim])
_endings = TypeAdapter(Ending)
_notes: TypeAdapter[tuple[Progress | None, list[LogLine]]] = TypeAdapter(tuple[Progress | None, list[LogLine]])
RUN, STOP, INTERRUPT, END, RULES = b"R", b"S", b"I", b"X", b"J"  # to the child
NOTES, ENDED = b"N", b"E"  # from the child
REASONS: dict[str, type[RoundsmanError]] = {
    reason.code: reason for reason in (RunCancelled, RunTimeout, WorkerStopping, LeaseLost)
}


@dataclass(frozen=True)
class Frame:
    kind: bytes
    body: bytes = b""


class Wire:
    """One end. `send` may be called from any thread; `read` from one."""

    def __init__(self, descriptor: int) -> None:
        self._connection: Connection[bytes, bytes] = Connection(descriptor)
        self._sending = Lock()

    def send(self, kind: bytes, body: bytes = b"") -> None:
        """Raises OSError where the other end is gone."""
        with self._sending:
            self._connection.send_bytes(kind + body)

    def read(self, timeout_s: float | None = None) -> Frame | None:
        """The next frame; None after `timeout_s`. Raises EOFError or OSError where the other end is gone."""
        if timeout_s is not None and not self._connection.poll(timeout_s):
            return None
        data = self._connection.recv_bytes()
        return Frame(data[:1], data[1:])

    def gone(self) -> bool:
        """Whether the other end is gone, asked while it has nothing to say."""
        try:
            return self._connection.poll(0) and not self._connection.recv_bytes()
        except (EOFError, OSError):
            return True

    def close(self) -> None:
        self._connection.close()


def pack_run(claim: Claim) -> bytes:
    """What to run, and what the time is (see ledger.clock)."""
    return _runs.dump_json((clock.reading(), claim))


def unpack_run(body: bytes) -> Claim:
    """The claim; the worker's measurement of the time is adopted."""
    offset_s, claim = _runs.validate_json(body)
    if offset_s is not None:
        clock.adopt(offset_s)
    return claim


def pack_ending(ending: Ending | None) -> bytes:
    """Without its claim, which the other side has."""
    return b"" if ending is None else _endings.dump_json(ending, exclude={"claim"})


def unpack_ending(body: bytes, claim: Claim) -> Ending | None:
    if not body:
        return None
    values: dict[str, Any] = json.loads(body)
    return _endings.validate_python({**values, "claim": claim})


def pack_order(claim: Claim, why: type[RoundsmanError]) -> bytes:
    """To stop this execution and no other: by the time it is heard the next one may be running."""
    return claim.id.bytes + claim.token.bytes + why.code.encode()


def unpack_order(body: bytes) -> tuple[tuple[UUID, UUID], type[RoundsmanError]]:
    """((run id, lease token), why)."""
    return (UUID(bytes=body[:16]), UUID(bytes=body[16:32])), REASONS[body[32:].decode()]


def pack_notes(progress: Progress | None, lines: Sequence[LogLine]) -> bytes:
    return _notes.dump_json((progress, list(lines)))


def unpack_notes(body: bytes) -> tuple[Progress | None, list[LogLine]]:
    return _notes.validate_json(body)
