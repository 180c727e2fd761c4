"""One message is posted: signed, over a connection that only public addresses are given, its answer read to a limit.

`httpx-secure` stands between httpx and the network and refuses what is not public, whatever asks for it. It is given
numbers, not names: it would find out a name's address by connecting, and so tell whoever chose the name which ports are
open inside. What it lets through beyond that is refused by queues.web_address, which it asks as well.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType

import certifi
import httpx
from httpx_secure import SSRFProtectionError, httpx_ssrf_protection
from standardwebhooks import Webhook

from queues.engine.webhook_resolve import addresses_of
from queues.ledger import clock
from queues.ledger.webhook_deliveries import Sent, Taken
from queues.ledger.webhook_schedule import retry_after_s
from queues.web_address import Address, Allowed, BadAddress, Target, is_public, permitted, plain_of, target_of

LIMIT_S = 15.0  # for all of it: finding the host, connecting, sending, and the answer to its end
CONNECT_S = 5.0  # for each address
READ_BYTES, KEPT_BYTES = 16_384, 1024  # of an answer
AGENT = "Roundsman-Webhooks/1"
for chatty in ("httpx", "httpcore"):  # they would write URLs and signatures into the log
    logging.getLogger(chatty).setLevel(logging.WARNING)
MANY = httpx.Limits(max_connections=None, max_keepalive_connections=0)  # a connection kept could serve another host


class Poster:
    """`async with Poster(…) as post: sent = await post(taken)`. It raises nothing: what goes wrong is told."""

    def __init__(self, allowed: Allowed, ca_file: str = "") -> None:
        self.allowed = allowed
        self._tls = ssl.create_default_context(cafile=certifi.where())
        if ca_file:
            self._tls.load_verify_locations(ca_file)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Poster:
        self._public = await self._stack.enter_async_context(self._client())
        httpx_ssrf_protection(self._public, custom_validator=lambda host, address, port: is_public(_end(address)))
        self._private = await self._stack.enter_async_context(self._client())  # for what the operator allows
        httpx_ssrf_protection(self._private, check_globally_reachable=False, custom_validator=_is_not_forbidden)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def __call__(self, taken: Taken) -> Sent:
        at, begun_s = clock.at_hand(), time.perf_counter()
        status, error, excerpt, wait_s = None, "", "", None
        try:
            async with asyncio.timeout(LIMIT_S):
                status, excerpt, wait_s = await self._sent(taken, at)
            error = "" if 200 <= status < 300 else _refused(status)
        except Exception as wrong:
            error = in_words(wrong)
        return Sent(taken, at, round((time.perf_counter() - begun_s) * 1000), status, error, excerpt, wait_s)

    async def _sent(self, taken: Taken, at: datetime) -> tuple[int, str, float | None]:
        target = target_of(taken.url, self.allowed)
        *others, last = await addresses_of(target, self.allowed)
        for address in others:
            try:
                return await self._ask(taken, target, address, at)
            except (httpx.ConnectError, httpx.ConnectTimeout):  # nothing was sent: perhaps its next address
                continue
        return await self._ask(taken, target, last, at)

    async def _ask(self, taken: Taken, target: Target, address: Address, at: datetime) -> tuple[int, str, float | None]:
        client = self._public if is_public(_end(address)) else self._private
        url = httpx.URL(taken.url)
        headers = {**signed(taken, at), "Host": url.netloc.decode("ascii"), "Content-Type": "application/json"}
        async with client.stream(
            "POST", url.copy_with(host=str(address)), content=taken.payload.encode(), headers=headers,
            extensions={"sni_hostname": target.host},
        ) as answer:  # fmt: skip
            body = b""
            async for part in answer.aiter_raw():
                body += part[: READ_BYTES - len(body)]
                if len(body) >= READ_BYTES:
                    break  # the rest is left unread, and the connection closed
            asked = answer.headers.get("Retry-After", "") if answer.status_code in (429, 503) else ""
            text = body[:KEPT_BYTES].decode("utf-8", "replace").replace("\0", "\N{SYMBOL FOR NULL}")
            return answer.status_code, text, retry_after_s(asked, at)

    def _client(self) -> httpx.AsyncClient:
        """Nothing from the environment (proxies, netrc), no redirects, no cookies, nothing unpacked."""
        return httpx.AsyncClient(
            verify=self._tls, trust_env=False, follow_redirects=False, limits=MANY,
            timeout=httpx.Timeout(LIMIT_S, connect=CONNECT_S),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity"},
        )  # fmt: skip


def signed(taken: Taken, at: datetime) -> Mapping[str, str]:
    """Standard Webhooks' headers; with two secrets, two signatures. The time is that of this sending."""
    message, body = str(taken.id), taken.payload
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message, at, body) for secret in taken.secrets),
    }


def in_words(error: BaseException) -> str:
    """What went wrong, for the webhook's owner: no address, and nothing of the inside."""
    if isinstance(error, BadAddress):
        return str(error)
    if isinstance(error, SSRFProtectionError):
        return "Its address is not public."
    if isinstance(error, TimeoutError | httpx.ReadTimeout | httpx.WriteTimeout):
        return f"It did not answer within {LIMIT_S:g} seconds."
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return "It could not be connected to in time."
    if isinstance(error, httpx.ConnectError):
        reason: BaseException | None = error
        while reason is not None and not isinstance(reason, ssl.SSLError):
            reason = reason.__cause__ or reason.__context__
        if isinstance(reason, ssl.SSLCertVerificationError):
            return f"Its certificate is not valid: {reason.verify_message}."
        return "TLS could not be agreed upon." if reason is not None else "It could not be connected to."
    if isinstance(error, httpx.TransportError):
        return "It broke off, or did not speak HTTP."
    return f"It could not be sent ({type(error).__name__})."


def _is_not_forbidden(host: str, address: Address, port: int) -> bool:
    """That the operator allows it was looked at when its name was resolved; some are never allowed."""
    return permitted(address, host, Allowed(hosts=frozenset({host})))


def _refused(status: int) -> str:
    if 300 <= status < 400:
        return f"It answered {status}: redirects are not followed."
    return f"It answered {status}."


def _end(address: Address) -> Address:
    """The address that is reached in the end, or the one there is."""
    return plain_of(address) or address
