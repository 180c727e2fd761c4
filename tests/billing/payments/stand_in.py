"""A stateful Stripe not written here (localstripe, in a process of its own), behind a desk that is as strict and as faulty as the real one.

localstripe has customers, methods, PaymentIntents, refunds and signed webhooks. It has no idempotency keys (the same key again charges again), no
filters for lists of PaymentIntents, one code of declines, and no disputes. So the desk in front of it, over HTTP as well, keeps the promise about
keys as Stripe documents it (the first answer again; other parameters: refused; under way: 409), filters, counts, and fails on demand.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from project.embedded.process import free_port

KEY = "sk_test_of_the_stand_in"
SECRET = "whsec_of_the_stand_in"
VISA, DECLINED_LATER = "4242424242424242", "4000000000000341"
NEVER, ASKS_CUSTOMER = "4000000000000002", "4000002500003155"
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Desk:
    """`moods`: how it takes the next POSTs, in order; then all are ok.

    ok · swallow (does it, and drops the connection) · lose (drops it before doing anything) · stall (does it, and answers too late) · late (answers
    nothing, and does it after the client has gone) · busy (429, unread) · broken (does it, and answers 500) · decline:CODE (402, not done) · hold
    (does it, sets `held`, and answers once `let_go` is set)
    """

    server: int  # the port of localstripe
    moods: deque[str] = field(default_factory=deque)
    posts: list[tuple[str, str]] = field(default_factory=list)  # path, idempotency key: as they came
    answers: dict[str, tuple[str, bytes, int, bytes]] = field(default_factory=dict)  # key → path, body, status, answer
    lock: threading.RLock = field(default_factory=threading.RLock)
    late: list[threading.Thread] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """localstripe itself."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server, timeout=20)
        connection.request(method, path, body, HEADERS)
        answer = connection.getresponse()
        told = answer.status, answer.read()
        connection.close()
        return told

    def make(self, path: str, **given: Any) -> dict[str, Any]:
        """What the customer's browser does at Stripe."""
        status, told = self.ask("POST", f"/v1/{path}", urlencode(_flat(given)).encode())
        assert status == 200, told
        found: dict[str, Any] = json.loads(told)
        return found

    def card(self, number: str = VISA) -> str:
        details = {"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "123"}
        return str(self.make("payment_methods", type="card", card=details)["id"])

    def charges(self) -> Counter[str]:
        """How often money was taken, by our key: of the books, not of what was asked."""
        intents = json.loads(self.ask("GET", "/v1/payment_intents?limit=1000")[1])["data"]
        return Counter(each["metadata"].get("roundsman_key", "") for each in intents if each["status"] == "succeeded")

    def sent(self, path: str) -> list[str]:
        """The idempotency keys of the POSTs there."""
        return [key for where, key in self.posts if where == path]

    def tell(self, url: str) -> None:
        """Signed webhooks go there from now on."""
        given = json.dumps({"url": url, "secret": SECRET}).encode()
        assert self.ask("POST", "/_config/webhooks/ours", given)[0] == 200

    def post(self, path: str, body: bytes, key: str) -> tuple[int, bytes]:
        """As Stripe keeps its promise about keys."""
        with self.lock:
            known = self.answers.get(key) if key else None
            if known and known[:2] != (path, body):
                told = {"error": {"type": "idempotency_error", "message": "The key came with other parameters."}}
                return 400, json.dumps(told).encode()
            if known:
                return known[2:]
            status, answer = self.ask("POST", path, body)
            if key and status < 500:
                self.answers[key] = (path, body, status, answer)
            return status, answer

    def listed(self, path: str) -> tuple[int, bytes]:
        """The list that localstripe cannot filter, newest first."""
        parts = urlsplit(path)
        wanted = parse_qs(parts.query)
        status, told = self.ask("GET", f"{parts.path}?limit=1000")
        rows = json.loads(told)["data"][::-1]
        since = int(wanted.get("created[gte]", ["0"])[0])
        rows = [each for each in rows if each["customer"] == wanted["customer"][0] and each["created"] >= since]
        after = wanted.get("starting_after")
        if after:
            rows = rows[[each["id"] for each in rows].index(after[0]) + 1 :]
        limit = int(wanted["limit"][0])
        page = {"object": "list", "url": parts.path, "data": rows[:limit], "has_more": len(rows) > limit}
        return status, json.dumps(page).encode()


@contextmanager
def serving(desk: Desk, *, stall_s: float = 4.0, late_s: float = 1.0) -> Iterator[Desk]:
    """`stall_s`: more than the client waits. `late_s`: until what it no longer waits for is done."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            is_list = urlsplit(self.path).path == "/v1/payment_intents" and "customer=" in self.path
            self.answer(*(desk.listed(self.path) if is_list else desk.ask("GET", self.path)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            key = self.headers.get("Idempotency-Key", "")
            with desk.lock:
                desk.posts.append((self.path, key))
                mood = desk.moods.popleft() if desk.moods else "ok"
            if mood == "busy":
                self.answer(429, b'{"error": {"code": "rate_limit", "message": "Too many."}}', {"Retry-After": "7"})
            elif mood.startswith("decline:"):
                code = mood.removeprefix("decline:")
                told = {
                    "type": "card_error",
                    "code": "card_declined",
                    "decline_code": code,
                    "message": f"Declined: {code}.",
                }
                self.answer(402, json.dumps({"error": told}).encode())
            elif mood == "lose":
                self.close_connection = True
            elif mood == "late":
                later = threading.Timer(late_s, desk.post, (self.path, body, key))
                desk.late.append(later)
                later.start()
                self.close_connection = True
            else:
                told = desk.post(self.path, body, key)
                if mood == "swallow":
                    self.close_connection = True
                elif mood == "broken":
                    self.answer(500, b'{"error": {"message": "Sorry."}}')
                else:
                    if mood == "stall":
                        time.sleep(stall_s)
                    elif mood == "hold":
                        desk.held.set()
                        desk.let_go.wait(60)
                    self.answer(*told)

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            try:
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(body)),
                    **(headers or {}),
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # who asked has gone

        def log_message(self, format: str, *arguments: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    desk.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield desk
    finally:
        for each in desk.late:
            each.join(10)
        server.shutdown()
        server.server_close()


@contextmanager
def localstripe() -> Iterator[int]:
    """The port of a fresh one."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.monotonic() + 30
        while True:
            try:
                Desk(port).ask("GET", "/v1/customers")
                break
            except OSError:
                assert time.monotonic() < end and process.poll() is None, "localstripe did not come up"
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _flat(given: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in given.items():
        where = f"{prefix}[{name}]" if prefix else name
        found += _flat(value, where) if isinstance(value, dict) else [(where, str(value))]
    return found


def asked(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode()))
