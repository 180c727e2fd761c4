"""A web process as it is deployed, asked by strangers: what its answers and its log tell."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator

from project.embedded.process import free_port, spawn, stop
from project.one_hop import OneHopHandler

ROOT = Path(__file__).resolve().parents[2]
SECRET = "Zq8vX3kT9wLm2NpR"
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "project.settings.base",
    "SECRET_KEY": f"signs-{SECRET}-" + "k" * 50,
    "JWT_SIGNING_KEY": f"tokens-{SECRET}-" + "j" * 50,
    "ENCRYPTION_KEYS": f"sealing-{SECRET}-" + "e" * 50,
    "METRICS_TOKEN": f"metrics-{SECRET}",
    "ALLOWED_HOSTS": "roundsman.example.org",
    "REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1/0",
    "LOG_LEVEL": "DEBUG",
}
COOKIES = """
import django; django.setup()
from django.conf import settings as s
print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.CSRF_COOKIE_HTTPONLY)
"""


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str


@dataclass
class Web:
    port: int
    log: Path

    def ask(self, path: str, **headers: str) -> Answer:
        told = {"Host": "roundsman.example.org", "X-Forwarded-Proto": "https"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request("GET", path, headers=told)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode(errors="replace"))

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder, port = tmp_path_factory.mktemp("web"), free_port()
    (folder / "static").mkdir()
    (folder / "static" / "some.css").write_text("a { color: red }")
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/x.sqlite3",
    }
    with (folder / "log").open("ab") as log:
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "project.asgi:application",
            "--port",
            str(port),
            "--no-server-header",
        ]
        process: subprocess.Popen[bytes] = spawn([*command, "--no-proxy-headers"], env=environment, log=log)
    made, end_s = Web(port, folder / "log"), time.monotonic() + 60
    while True:
        try:
            made.ask("/healthz")
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < end_s, "\n".join(made.lines())
            time.sleep(0.1)
    yield made
    stop(process, 10.0)


def test_no_answer_names_the_server_or_any_version(web: Web) -> None:
    for path in (
        "/healthz",
        "/no/such/page",
        "/api/v1/runs",
        "/metrics",
        "/api/schema/",
        "/static/none.js",
        "/admin/rq/",
    ):
        answer = web.ask(path)
        told = str(answer.headers).lower() + answer.body.lower()
        assert "server" not in answer.headers and "x-powered-by" not in answer.headers
        assert not [word for word in ("uvicorn", "django", "python", "unfold", "traceback") if word in told], path


def test_the_schema_its_page_and_the_metrics_are_not_public(web: Web) -> None:
    assert [web.ask(path).status for path in ("/api/schema/", "/api/docs/", "/metrics")] == [401, 302, 403]
    assert web.ask("/metrics", Authorization="Bearer wrong").status == 403
    assert web.ask("/metrics", Authorization="Bearer").status == 403


def test_health_is_up_or_down_and_nothing_more(web: Web) -> None:
    assert json.loads(web.ask("/healthz").body) == {"status": "up"}


def test_a_request_for_another_host_is_told_nothing(web: Web) -> None:
    answer = web.ask("/admin/", Host="evil.example")
    assert answer.status == 400 and "evil" not in answer.body and "ALLOWED_HOSTS" not in answer.body
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_request_that_cannot_be_read_is_refused_with_the_headers() -> None:
    """Not every server refuses it by itself, and Django does before any middleware."""
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"q=\xff",
        "headers": [(b"host", b"testserver")], "scheme": "http", "server": ("testserver", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip

    async def through() -> dict[str, Any]:
        communicator = ApplicationCommunicator(OneHopHandler(1), scope)
        await communicator.send_input({"type": "http.request", "body": b"", "more_body": False})
        told: dict[str, Any] = await communicator.receive_output(5)
        await communicator.receive_output(5)
        await communicator.wait(5)
        return told

    told = async_to_sync(through)()
    headers = {name.lower(): value for name, value in told["headers"]}
    assert told["status"] == 400 and headers[b"x-content-type-options"] == b"nosniff" and b"server" not in headers


def test_a_static_file_is_kept_by_browsers_and_has_the_headers(web: Web) -> None:
    answer = web.ask("/static/some.css")
    assert answer.status == 200 and "no-store" not in answer.headers["Cache-Control"]
    assert answer.headers["Content-Security-Policy"].count("'none'") == 4
    assert answer.headers["Strict-Transport-Security"] and answer.headers["X-Frame-Options"] == "DENY"
    assert {answer.headers[name] for name in ("Referrer-Policy", "Cross-Origin-Resource-Policy")} == {"same-origin"}


def test_cookies_are_of_this_host_over_https_alone() -> None:
    settings = subprocess.run(
        [sys.executable, "-c", COOKIES], cwd=ROOT, env={**os.environ, **ENVIRONMENT, "DATABASE_URL": "sqlite:///x"}, capture_output=True, text=True
    )  # fmt: skip
    assert settings.stdout.split() == ["__Host-sessionid", "__Host-csrftoken", "True", "True", "True", "True"], (
        settings.stderr
    )


def test_pages_that_show_code_do_not_go_with_a_served_site() -> None:
    started = subprocess.run(
        [sys.executable, "-c", COOKIES], cwd=ROOT, env={**os.environ, **ENVIRONMENT, "DATABASE_URL": "sqlite:///x", "DEBUG": "true"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert started.returncode != 0 and "goes with INSECURE_HTTP=true alone" in started.stderr


def test_every_line_of_the_log_is_an_object_and_no_secret_is_in_it(web: Web) -> None:
    web.ask(f"/no%0Asuch%1B%5B31m%E2%80%A8page?token={SECRET}", X_Request_ID="seek-1")
    web.ask("/admin/", Host=f"evil-{SECRET[:4]}", Cookie=f"__Host-sessionid={SECRET}{SECRET}")
    web.ask(
        "/api/v1/runs?q=x",
        Authorization=f"Bearer {SECRET}.{SECRET}.{SECRET}",
        Cookie=f"__Host-sessionid={SECRET}{SECRET}",
    )
    told = [json.loads(line) for line in web.lines()]
    assert all({"time", "level", "logger", "message"} <= set(each) for each in told)
    about = [each for each in told if each.get("request_id") == "seek-1"]
    assert {each["logger"] for each in about} >= {"django.request", "uvicorn.access"}
    assert SECRET not in web.log.read_text()
