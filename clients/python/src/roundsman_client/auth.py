"""Who the client is: an API key, a fixed token, or a sign-in whose tokens are renewed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import httpx

from .errors import ApiError, NotSignedIn, error_of
from .tokens import Memory, Store, Tokens

TOKEN = "api/token/"
REFRESH = "api/token/refresh/"
REVOKE = "api/token/revoke/"
AGAIN = "Sign in again."


class Auth:
    """Thread-safe. `fixed` is an API key or an access token that somebody else renews."""

    def __init__(
        self, fixed: str | None = None, store: Store | None = None, now_s: Callable[[], float] = time.time
    ) -> None:
        self._fixed, self.store, self._now_s = fixed, store or Memory(), now_s
        self._mutex = threading.RLock()

    def send(self, http: httpx.Client, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """The answer to a request in this client's name; after 401 once more with the next pair.

        Raises httpx.TransportError, NotSignedIn, ApiError (renewing was refused).
        """
        access = self._access(http)
        response = _send(http, request, access, stream)
        if response.status_code != 401 or self._fixed is not None:
            return response
        response.read()
        fresh = self._renew(http, access)
        return _send(http, request, fresh, stream)

    def sign_in(self, http: httpx.Client, username: str, password: str, otp: str | None) -> None:
        """Raises ApiError (401 no_active_account: name, password or code; 429 too_many_logins), httpx.TransportError."""
        body = {"username": username, "password": password} | ({"otp": otp} if otp else {})
        response = http.post(TOKEN, json=body)
        if not response.is_success:
            raise error_of(response)
        with self._mutex, self.store.lock():
            self._fixed = None
            self._keep(response)

    def sign_out(self, http: httpx.Client) -> None:
        """End the sign-in at the server, and forget it here whatever the server says."""
        with self._mutex, self.store.lock():
            tokens = self.store.load()
            self.store.save(None)
            if tokens is None or not tokens.refresh:
                return
            response = http.post(REVOKE, json={"refresh": tokens.refresh})
        if not response.is_success and response.status_code != 401:  # 401: it has ended before
            raise error_of(response)

    def _access(self, http: httpx.Client) -> str:
        if self._fixed is not None:
            return self._fixed
        tokens = self.store.load()
        if tokens is None:
            raise NotSignedIn("You are not signed in: sign in, or give an API key.")
        due = tokens.refresh and self._now_s() >= tokens.renew_at_s
        return self._renew(http, tokens.access) if due else tokens.access

    def _renew(self, http: httpx.Client, seen: str) -> str:
        """The access token that comes after `seen`: another thread or process may have it already."""
        with self._mutex, self.store.lock():
            tokens = self.store.load()
            if tokens is None:
                raise NotSignedIn(f"Somebody has signed out meanwhile. {AGAIN}")
            if tokens.access != seen:
                return tokens.access
            if not tokens.refresh:
                raise NotSignedIn(f"Your sign-in cannot be renewed. {AGAIN}")
            return self._next(http, tokens)

    def _next(self, http: httpx.Client, tokens: Tokens) -> str:
        try:
            response = http.post(REFRESH, json={"refresh": tokens.refresh})
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise  # it was never sent, and is good still
        except BaseException as error:  # Ctrl-C and alarms too
            # Perhaps it is used up; sent once more, it would look stolen and end everything. The access token may do yet.
            self.store.save(Tokens(tokens.access, "", tokens.renew_at_s))
            if isinstance(error, httpx.TransportError):
                raise NotSignedIn(f"The answer with your next tokens was lost. {AGAIN}") from error
            raise
        if response.status_code == 401:
            self.store.save(None)
            raise NotSignedIn(f"Your sign-in has ended ({error_of(response).code}). {AGAIN}") from error_of(response)
        if not response.is_success:
            raise error_of(response)
        return self._keep(response)

    def _keep(self, response: httpx.Response) -> str:
        """Kept first: what is used and then lost could not be renewed. The caller holds the locks."""
        try:
            pair = response.json()
            tokens = Tokens.of(str(pair["access"]), str(pair["refresh"]), self._now_s())
        except (ValueError, KeyError, TypeError):
            said = f"{response.request.url.host} answered without tokens. Is the address right?"
            raise ApiError(response.status_code, "no_tokens", said) from None
        self.store.save(tokens)
        return tokens.access


def _send(http: httpx.Client, request: httpx.Request, access: str, stream: bool) -> httpx.Response:
    request.headers["Authorization"] = f"Bearer {access}"
    return http.send(request, stream=stream)
