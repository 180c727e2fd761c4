"""The same client where the server streams: one connection from the first line to the last."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from django.db import connections
from roundsman_client import Client

from project.one_hop import OneHopHandler

from .conftest import JOB, PASSWORD, Naps, begin, end, writes


@pytest.fixture
def streaming(server: str) -> Iterator[str]:
    """The address of an ASGI server."""
    handler, bound = OneHopHandler(1), socket.create_server(("127.0.0.1", 0))
    host = uvicorn.Server(uvicorn.Config(handler, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=host.run, kwargs={"sockets": [bound]})
    thread.start()
    yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    handler._threads.submit(connections.close_all).result()
    handler._threads.shutdown()
    host.should_exit = True
    thread.join(20)
    bound.close()
    assert not thread.is_alive()


def test_news_come_over_one_connection_as_they_happen(streaming: str) -> None:
    naps, heard = Naps(), []
    with Client(streaming, sleep=naps) as client:
        client.sign_in("admin", PASSWORD)
        run_id = client.run_job(JOB, {"tons": 3}).id

        def work() -> None:
            writes(run_id, "load 0")
            end(run_id)

        then: dict[str, Callable[[], None]] = {"pending": lambda: begin(run_id), "running": work}
        for event in client.watch(run_id):
            heard.append((event.kind, event.data.get("state") or event.data.get("message")))
            then.get(str(event.data.get("state")), lambda: None)()
    assert [what for kind, what in heard if kind == "state"] == ["pending", "running", "succeeded"]
    assert [what for kind, what in heard if kind == "log"] == ["load 0"] and heard[-1] == ("end", "succeeded")
    assert naps.took_s == [], "nothing broke, and nobody polled"


def test_a_wait_is_answered_without_a_second_request(streaming: str, quick: None) -> None:
    naps = Naps()
    with Client(streaming, sleep=naps) as client:
        client.sign_in("admin", PASSWORD)
        run = client.run_job(JOB, {"tons": 3}, wait_s=5)
    assert run.succeeded and naps.took_s == []
