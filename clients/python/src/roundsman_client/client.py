"""The client: runs here, queues and schedules in `steering`, webhooks in `hooks`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

from .auth import Auth
from .errors import TimedOut
from .hooks import Hooks
from .models import BatchItem, Event, LogLine, Run
from .paging import path_of, text_of
from .steering import Steering
from .tokens import Store, Tokens
from .transport import KEY, Transport, unreachable
from .watching import Watch

MOST_WAIT_S = 30  # of the server


class Client(Steering, Hooks):
    """Speaks for an API key, an access token, or whoever signs in. One client serves many threads.

    `store` keeps the tokens of a sign-in (in memory, unless given); `patience_s` bounds the waiting after 429 and 503.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 10.0,
        *,
        store: Store | None = None,
        patience_s: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if token is not None and api_key is not None:
            raise ValueError("Give either a token or an API key, not both.")
        self._auth = Auth(token if api_key is None else api_key, store)
        self._http = httpx.Client(
            base_url=base_url.rstrip("/") + "/",
            timeout=timeout_s,
            transport=transport,
            headers={"Accept": "application/json", "User-Agent": "roundsman-client/0.1"},
        )
        self._transport = Transport(self._http, self._auth, patience_s=patience_s, sleep=sleep)
        self._timeout_s, self._clock = timeout_s, clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """The connections; a sign-in stays as it is (see sign_out)."""
        self._http.close()

    def sign_in(self, username: str, password: str, otp: str | None = None) -> None:
        """Take a pair of tokens, and renew it from now on. `otp`: the code of the second factor, where there is one."""
        try:
            self._auth.sign_in(self._http, username, password, otp)
        except httpx.TransportError as error:
            raise unreachable(error.request, error) from error

    @property
    def tokens(self) -> Tokens | None:
        """The pair of the sign-in as it is now, to be kept by the program; None without one."""
        return self._auth.store.load()

    def sign_out(self) -> None:
        """End the sign-in: all its tokens are refused from now on."""
        try:
            self._auth.sign_out(self._http)
        except httpx.TransportError as error:
            raise unreachable(error.request, error) from error

    def run_job(
        self,
        job: str | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        definition: str | None = None,
        at: datetime | str | None = None,
        priority: int | None = None,
        dedupe_key: str | None = None,
        fresh: bool | None = None,
        why: str | None = None,
        idempotency_key: str | None = None,
        wait_s: float | None = None,
    ) -> Run:
        """Ask for a run of a job, or of a definition by its name; `params` go over the definition's own.

        The same idempotency key never makes a second run; left out, one is made, so that a lost answer is asked for
        again. With `wait_s` the run is waited for so long: look at `ended`. Raises ApiError, Unreachable, NotSignedIn.
        """
        given = {
            "job": job, "definition": definition, "at": None if at is None else text_of(at), "priority": priority,
            "params": None if params is None else dict(params), "dedupe_key": dedupe_key, "fresh": fresh, "why": why,
        }  # fmt: skip
        headers, read_s, ends_s = {KEY: idempotency_key or str(uuid4())}, None, self._clock() + (wait_s or 0)
        if wait_s is not None and (here_s := min(MOST_WAIT_S, int(wait_s))) > 0:
            headers["Prefer"], read_s = f"wait={here_s}", self._timeout_s + here_s
        body = {name: value for name, value in given.items() if value is not None}
        run = Run.of(self._transport.ask("POST", "api/v1/queue/jobs", body=body, headers=headers, read_s=read_s).json())
        if run.ended or wait_s is None or self._clock() >= ends_s:
            return run
        try:
            return self.wait(run.id, ends_s - self._clock())
        except TimedOut:
            return self.read_run(run.id)

    def run_many(self, requests: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None) -> list[BatchItem]:
        """Ask for many runs in one request, 500 at most: each as POST jobs takes it (`job` or `definition`, `params`, `at`, …).

        Each is accepted or refused by itself, and answered in its place. All of them count for the rate limit.
        """
        headers = {KEY: idempotency_key or str(uuid4())}
        body = {"items": [_plain(each) for each in requests]}
        told = self._transport.ask("POST", "api/v1/queue/jobs/batch", body=body, headers=headers).json()
        return list(map(BatchItem.of, told["items"]))

    def read_run(self, run_id: str) -> Run:
        return Run.of(self._transport.ask("GET", self._run(run_id)).json())

    def runs(self, **filters: Any) -> Iterator[Run]:
        """The runs, newest first, page by page as they are taken. Filters are those of GET /api/v1/runs, e.g. `state`
        ("dead" or a list), `queue`, `job`, `q`, `created_since` (a datetime), `fields` (a list), `limit` (of a page)."""
        return map(Run.of, self._items("api/v1/runs", filters))

    def cancel(self, run_id: str, why: str = "", idempotency_key: str | None = None) -> Run:
        """Cancel it while it waits; ask it to stop while it runs."""
        return self._verb(run_id, "cancel", why, idempotency_key)

    def retry(self, run_id: str, why: str = "", idempotency_key: str | None = None) -> Run:
        """Put a dead or cancelled run back into its queue."""
        return self._verb(run_id, "retry", why, idempotency_key)

    def log(self, run_id: str) -> Iterator[LogLine]:
        """What the run has written so far, oldest line first."""
        return map(LogLine.of, self._items(f"{self._run(run_id)}/log", {"limit": 200}))

    def watch(self, run_id: str, last_id: str = "") -> Iterator[Event]:
        """News until the run ends, see `Watch.events`. To leave is to stop iterating: the run goes on."""
        return Watch(self._transport, path_of(run_id), last_id).events()

    def wait(self, run_id: str, timeout_s: float | None = None) -> Run:
        """The run when it has ended; looked at every second, and ever more rarely. Raises TimedOut: it goes on."""
        ends_s, pause_s = None if timeout_s is None else self._clock() + timeout_s, 0.25
        while True:
            run = self.read_run(run_id)
            if run.ended:
                return run
            left_s = pause_s if ends_s is None else min(pause_s, ends_s - self._clock())
            if left_s <= 0:
                raise TimedOut(f"The run {run.id} is {run.state} still; it goes on.")
            self._transport.sleep(left_s)
            pause_s = min(5.0, pause_s * 1.5)

    def _verb(self, run_id: str, verb: str, why: str, key: str | None) -> Run:
        headers = {KEY: key or str(uuid4())}
        path = f"{self._run(run_id)}/{verb}"
        return Run.of(self._transport.ask("POST", path, body={"why": why}, headers=headers).json())

    @staticmethod
    def _run(run_id: str) -> str:
        return f"api/v1/runs/{path_of(run_id)}"


def _plain(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request as JSON: moments as text."""
    return {name: text_of(value) if isinstance(value, datetime) else value for name, value in request.items()}
