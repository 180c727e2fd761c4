"""Networks that lose things on their way: the real transport, with something wrong about it."""

from __future__ import annotations

import httpx


class LosesAnswers(httpx.HTTPTransport):
    """The server does what is asked; the first answers to this path are lost."""

    def __init__(self, path: str, times: int = 1, error: type[BaseException] = httpx.ReadError) -> None:
        super().__init__()
        self.path, self.times, self.sent, self.error = path, times, 0, error

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if request.url.path == self.path:
            self.sent += 1
            if self.sent <= self.times:
                response.close()
                raise self.error("lost")
        return response


class Refuses(httpx.HTTPTransport):
    """Something on the way answers in the server's place, the first times, with this status."""

    def __init__(self, status: int, times: int, path: str, headers: dict[str, str] | None = None) -> None:
        super().__init__()
        self.status, self.times, self.path, self.headers, self.seen = status, times, path, headers or {}, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == self.path:
            self.seen += 1
            if self.seen <= self.times:
                return httpx.Response(self.status, headers=self.headers, request=request)
        return super().handle_request(request)
