"""An outside provider over real HTTP, which keeps books of what it was asked and what it did; and the client for it."""

from __future__ import annotations

import http.client
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from queues.outbound import Answer, Call, LookUpImpossible, NotSent, Refused


class Outside:
    """`honours`: the same idempotency key again gets the first answer. `moods`: how it takes the next requests, in order:

    ok · refuse (for good) · turn away (503, unread) · drop (does it, then drops the connection) · lose (drops it
    before doing anything) · hang (does it, and answers late)
    """

    def __init__(self, honours: bool = True) -> None:
        self.honours, self.moods = honours, deque[str]()
        self.asked: list[str] = []  # idempotency keys, as they came
        self.done: dict[str, list[str]] = {}  # reference → the ids of what was done for it
        self.refused: set[str] = set()
        self.answers: dict[str, dict[str, Any]] = {}  # idempotency key → the first answer
        self.go_on = threading.Event()
        self.lock = threading.Lock()
        self.port = 0

    def times(self, reference: str) -> int:
        """How often it was done."""
        return len(self.done.get(reference, ()))

    def do(self, key: str, reference: str) -> dict[str, Any]:
        with self.lock:
            if self.honours and key in self.answers:
                return self.answers[key]
            ids = self.done.setdefault(reference, [])
            ids.append(f"op-{sum(map(len, self.done.values())) + 1}")
            return self.answers.setdefault(key, {"id": ids[-1], "reference": reference})


@contextmanager
def serving(outside: Outside) -> Iterator[Outside]:
    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key, reference = self.headers["Idempotency-Key"], asked["reference"]
            with outside.lock:
                outside.asked.append(key)
                mood = outside.moods.popleft() if outside.moods else "ok"
            if mood == "refuse":
                outside.refused.add(reference)
                self.answer(402, {"reason": "The card is stolen."})
            elif mood == "turn away":
                self.answer(503, {"reason": "Busy."})
            elif mood == "lose":
                self.close_connection = True
            else:
                answer = outside.do(key, reference)
                if mood == "hang":
                    outside.go_on.wait(10)
                if mood == "drop":
                    self.close_connection = True
                else:
                    self.answer(200, answer)

        def do_GET(self) -> None:
            reference = parse_qs(urlsplit(self.path).query)["reference"][0]
            if reference in outside.refused:
                self.answer(402, {"reason": "The card is stolen."})
            elif outside.times(reference):
                self.answer(200, {"id": outside.done[reference][-1], "reference": reference})
            else:
                self.answer(404, {})

        def answer(self, status: int, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
            except OSError:
                pass  # who asked did not wait

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    server.daemon_threads = True
    outside.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield outside
    finally:
        outside.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


class Client:
    """The provider as the engine sees it. Port 0: nobody listens there."""

    def __init__(self, port: int, *, honours: bool = True, looks_up: bool = True, name: str = "outside") -> None:
        self.name, self.port, self.honours_idempotency_keys, self.looks_up = name, port, honours, looks_up
        self.replay_window_s, self.lands_within_s, self.timeout_s = 3600.0, 60.0, 5.0

    def send(self, call: Call) -> Answer:
        body = json.dumps({"reference": call.key, **call.request})
        try:
            status, answer = self._ask("POST", "/do", body, {"Idempotency-Key": call.idempotency_key})
        except ConnectionRefusedError as error:
            raise NotSent(str(error)) from error
        if status == 503:
            raise NotSent(answer["reason"], after_s=7)
        return self._told(status, answer)

    def look_up(self, call: Call) -> Answer | None:
        if not self.looks_up:
            raise LookUpImpossible("It keeps no books.")
        status, answer = self._ask("GET", f"/do?reference={quote(call.key)}")
        return None if status == 404 else self._told(status, answer)

    def _told(self, status: int, answer: dict[str, Any]) -> Answer:
        if status == 402:
            raise Refused(answer["reason"], answer)
        assert status == 200, status
        return Answer(answer)

    def _ask(self, method: str, path: str, body: str | None = None, headers: Any = None) -> tuple[int, dict[str, Any]]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout_s)
        try:
            line.request(method, path, body, headers or {})
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            line.close()
