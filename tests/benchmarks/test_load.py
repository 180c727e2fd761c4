"""The clients of the API test ask when it is time, and count what they are told."""

from __future__ import annotations

import asyncio
import time

import pytest

from benchmarks.own import load

pytestmark = pytest.mark.enable_socket
OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
NO = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"


async def _asked(answer: bytes, slow_s: float = 0.0) -> load.Told:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                assert b"Bearer t" in head
                await reader.readexactly(2)
                await asyncio.sleep(slow_s)
                writer.write(answer)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        requests = [lambda number: load.post("/x", "t", b"{}")] * 4
        return await load.run(port, requests, rate_s=40, seconds=0.5)


def test_the_rate_is_that_of_all_clients_together() -> None:
    told = asyncio.run(_asked(OK))
    assert told.statuses == {"202": 20}  # 40 a second for half a second
    assert len(told.waits) == 20


def test_a_refusal_is_counted_by_its_status() -> None:
    assert asyncio.run(_asked(NO)).statuses == {"429": 20}


def test_what_waits_behind_a_late_answer_is_late_too() -> None:
    began = time.perf_counter()
    told = asyncio.run(_asked(OK, slow_s=0.2))  # twice as long as the time between two requests of a client
    assert max(told.waits) > 0.35
    assert time.perf_counter() - began < 5
