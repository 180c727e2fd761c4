"""A receiver of webhooks over real HTTP, on loopback: keeps what it was sent, and answers in its moods."""

from __future__ import annotations

import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

Mood = int | str | Callable[[Any], None]


@dataclass
class Message:
    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """Its contents. Raises WebhookVerificationError."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """`moods`: how it takes the next messages, in order; afterwards `usual`. A status; "drip" (a byte now and then, for
    ever); "flood" (an answer without end); "hang" (reads, and says nothing); "drop"; or what is to be done first."""

    usual: Mood = 204
    moods: deque[Mood] = field(default_factory=deque)
    seen: list[Message] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    go_on: threading.Event = field(default_factory=threading.Event)
    written: int = 0  # bytes of the last flood
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{'localhost' if self.scheme == 'https' else '127.0.0.1'}:{self.port}/hook"


@contextmanager
def receiving(receiver: Receiver, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    class Desk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            named = {name.lower(): value for name, value in self.headers.items()}
            receiver.seen.append(Message(named, body, self.path))
            mood = receiver.moods.popleft() if receiver.moods else receiver.usual
            try:
                self.answer(mood)
            except OSError:
                self.close_connection = True  # who asked did not wait

        def answer(self, mood: Mood) -> None:
            if callable(mood):
                mood(self)
                mood = 204
            if isinstance(mood, int):
                text = b"" if mood == 204 else b"It is as it is."
                self.send_response(mood)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
                return
            self.close_connection = True
            if mood == "hang":
                receiver.go_on.wait(20)
            elif mood == "drip":
                for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
                    self.wfile.write(bytes([byte]))
                    if receiver.go_on.wait(0.1):
                        break
            elif mood == "flood":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                while not receiver.go_on.is_set():
                    self.wfile.write(b"x" * 65536)
                    receiver.written += 65536

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        receiver.scheme = "https"
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
