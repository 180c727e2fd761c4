"""Clients of an HTTP API: each on a connection of its own, asking at fixed times whether or not the last answer is late.

So an answer that is late makes the next one late too, as it would for a person; nothing hides in a pause of the clients.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

LATE_S = 15.0  # after the end, in which what was due may still be asked


@dataclass
class Told:
    """`waits`: seconds from when a request was due to its answer. `statuses`: how many of each; "lost" without one.
    `asked` and `in_turn`: the request and the status that belong to each of `waits`. `unasked`: requests that were due and
    never sent, because the answers before them came so late."""

    unasked: int = 0
    waits: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    asked: list[bytes] = field(default_factory=list)
    in_turn: list[str] = field(default_factory=list)


async def run(port: int, requests: list[Callable[[int], bytes]], *, rate_s: float, seconds: float) -> Told:
    """`requests`: one maker of requests a client, given the request's number. `rate_s`: of all clients together."""
    told, every = Told(), len(requests) / rate_s
    count, begin = round(seconds / every), time.perf_counter() + 0.2
    clients = [
        _client(port, make, [begin + every * (k / len(requests) + number) for number in range(count)], told)
        for k, make in enumerate(requests)
    ]
    await asyncio.gather(*clients)
    return told


async def _client(port: int, make: Callable[[int], bytes], times: list[float], told: Told) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number, due in enumerate(times):
        now = time.perf_counter()
        if now > times[-1] + LATE_S:
            told.unasked += 1
            continue
        await asyncio.sleep(max(0.0, due - now))
        request = make(number)
        try:
            writer.write(request)
            status = await asyncio.wait_for(answer(reader), 10)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, ValueError):
            status = "lost"
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        told.statuses[status] += 1
        told.asked.append(request)
        told.in_turn.append(status)
        told.waits.append(time.perf_counter() - due)
    writer.close()


async def answer(reader: asyncio.StreamReader) -> str:
    """Read one answer with a Content-Length. Returns its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
    await reader.readexactly(length)
    return head.split(" ", 2)[1]


def post(path: str, token: str, body: bytes) -> bytes:
    """A POST of JSON on a connection that stays open."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
