"""A TCP proxy that fails as networks do: it falls silent without closing, closes without a word, loses an answer."""

from __future__ import annotations

import selectors
import socket
import threading
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """`with Proxy(port) as proxy:` listens on loopback (`proxy.port`) and forwards to the server at `port`."""

    def __init__(self, port: int) -> None:
        self.server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._peers: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._marker: bytes | None = None
        self._frozen, self._cut, self._stop = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def url(self, of_server: str) -> str:
        """The server's URL, through this proxy."""
        parts = urlsplit(of_server)
        user = f"{parts.username}@" if parts.username else ""
        return urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{self.port}"))

    def freeze(self) -> None:
        """From now on nothing is forwarded, and nothing closed: the kernel goes on acknowledging."""
        self._frozen.set()

    def thaw(self) -> None:
        self._frozen.clear()

    def cut(self) -> None:
        """Close every connection; new ones are taken."""
        self._cut.set()

    def lose_answer_to(self, marker: bytes) -> None:
        """Once: what holds these bytes reaches the server, and the connection is closed before the answer comes."""
        self._marker = marker

    def _serve(self) -> None:
        with selectors.DefaultSelector() as self._selector:
            self._selector.register(self._listener, selectors.EVENT_READ)
            while not self._stop.is_set():
                if self._cut.is_set():
                    self._cut.clear()
                    for sock in list(self._clients):
                        self._close(sock)
                if self._frozen.is_set():
                    self._stop.wait(0.02)
                    continue
                for key, _ in self._selector.select(0.02):
                    self._accept() if key.fileobj is self._listener else self._forward(key.fileobj)  # type: ignore[arg-type]
            for sock in list(self._clients):
                self._close(sock)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self.server_port), timeout=5)
        except OSError:
            client.close()
            return
        self._clients.add(client)
        for sock, peer in ((client, server), (server, client)):
            self._peers[sock] = peer
            self._selector.register(sock, selectors.EVENT_READ)

    def _forward(self, sock: socket.socket) -> None:
        peer = self._peers.get(sock)
        if peer is None:
            return  # closed by what came before it in this round
        try:
            data = sock.recv(65536)
            if data:
                peer.sendall(data)
        except OSError:
            data = b""
        loses = self._marker is not None and sock in self._clients and self._marker in data
        if loses:
            self._marker = None
            peer.recv(65536)  # the server has done it
        if loses or not data:
            self._close(sock)

    def _close(self, sock: socket.socket) -> None:
        for one in (sock, self._peers.pop(sock, None)):
            if one is not None:
                self._peers.pop(one, None)
                self._clients.discard(one)
                self._selector.unregister(one)
                one.close()

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)
        self._listener.close()
