"""One request to the server and its answer: credentials, waiting as told, and trying again where that is safe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from .auth import Auth
from .errors import ApiError, Unreachable, error_of, problem_in, retry_after_s

KEY = "Idempotency-Key"
SAFE = frozenset({"GET", "HEAD"})
BUSY = frozenset({429, 503})
TRIES = 6
USUAL_WAIT_S = 5.0


class Transport:
    """`patience_s`: how long all waiting for one request may take together, before its error is raised."""

    def __init__(
        self,
        http: httpx.Client,
        auth: Auth,
        *,
        patience_s: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.http, self.auth, self.patience_s, self.sleep = http, auth, patience_s, sleep

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        read_s: float | None = None,
    ) -> httpx.Response:
        """The answer, 2xx. `read_s`: how long the answer may take, where that is longer than usual.

        GET, and whatever has an idempotency key, is sent again when no answer came, and after 429 and 503 when the server
        says so; anything else never is. Raises ApiError, Unreachable, NotSignedIn.
        """
        again = method in SAFE or KEY in (headers or {})
        waited_s = 0.0
        for number in range(1, TRIES + 1):
            request = self._request(method, path, query, body, headers, read_s)
            failure, wait_s = self._once(request, number)
            if isinstance(failure, httpx.Response):
                return failure
            if not again or wait_s is None or number == TRIES or waited_s + wait_s > self.patience_s:
                raise failure
            self.sleep(wait_s)
            waited_s += wait_s
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str], silence_s: float) -> Iterator[httpx.Response]:
        """An answer that is read as it comes. Raises ApiError, NotSignedIn; httpx.TransportError, also while it is read."""
        request = self._request("GET", path, None, None, headers, silence_s)
        response = self.auth.send(self.http, request, stream=True)
        try:
            if response.status_code >= 300:
                response.read()
                raise error_of(response)
            yield response
        finally:
            response.close()

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        read_s: float | None,
    ) -> httpx.Request:
        usual = self.http.timeout
        timeout = httpx.Timeout(usual.connect, read=read_s) if read_s is not None else usual
        return self.http.build_request(method, path, params=query, json=body, headers=headers, timeout=timeout)

    def _once(
        self, request: httpx.Request, number: int
    ) -> tuple[httpx.Response | ApiError | Unreachable, float | None]:
        """The answer, or what to raise and how long to wait before another try; None: another try is of no use."""
        try:
            response = self.auth.send(self.http, request)
        except httpx.TransportError as error:
            return unreachable(request, error), 0.5 * 2 ** (number - 1)
        except ApiError as error:  # the next tokens are refused for now
            return error, error.retry_after_s if error.status in BUSY else None
        if response.is_success:
            return (
                (response, None)
                if not response.content or "json" in response.headers.get("Content-Type", "")
                else _no_json(response)
            )
        failure = error_of(response)
        if response.status_code not in BUSY:
            return failure, None
        told_s = retry_after_s(response.headers)
        if told_s is None and problem_in(response) is None:
            told_s = USUAL_WAIT_S  # a proxy's own 503 while the server starts
        return failure, told_s


def _no_json(response: httpx.Response) -> tuple[ApiError, None]:
    said = f"{response.request.url.host} answers, but not as Roundsman does. Is the address right?"
    return ApiError(response.status_code, "no_json", said), None


def unreachable(request: httpx.Request, error: httpx.TransportError) -> Unreachable:
    what = "did not answer in time" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
    where = f"{request.url.scheme}://{request.url.netloc.decode()}"
    return Unreachable(f"{where} {what} ({type(error).__name__}). Check the address and the network, and try again.")
