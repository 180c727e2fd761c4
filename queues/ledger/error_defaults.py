"""The rules that are shipped: what common libraries' errors mean, by class name and code. Data; staff's rules go over it.

Only what differs from "another attempt may help", or tells of overload, needs a line. Families of HTTP statuses are
written "4xx" and "5xx"; a status of its own goes before its family, and a library's own code before both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from queues.ledger.error_table import Key, Rule

# Who carries an HTTP status: urllib, requests and pyairtable; httpx; aiohttp; Stripe; Twilio; pywebpush; DRF.
HTTP = (
    "HTTPError", "HTTPStatusError", "ClientResponseError", "StripeError", "TwilioRestException", "WebPushException",
    "APIException",
)  # fmt: skip


def _each(
    names: str, code: str = "", *, permanent: bool = False, overload: bool = False, note: str
) -> Iterator[tuple[Key, Rule]]:
    rule = Rule(permanent, overload, note)
    return (((name, code), rule) for name in names.split())


def _http() -> Iterator[tuple[Key, Rule]]:
    carriers = " ".join(HTTP)
    yield from _each(carriers, "4xx", permanent=True, note="The request is wrong: sent again, it is refused again.")
    for code in ("408", "504"):
        yield from _each(carriers, code, overload=True, note="It took the other side too long.")
    yield from _each(carriers, "409", note="In conflict with another request, which may be over by then.")
    yield from _each(carriers, "423", note="Locked by somebody else for now.")
    yield from _each(carriers, "425", note="Too early.")
    yield from _each(carriers, "429", overload=True, note="Too many requests.")
    yield from _each(carriers, "5xx", note="The other side's own fault.")
    for code in ("501", "505"):
        yield from _each(carriers, code, permanent=True, note="The other side does not know how to do it.")
    for code in ("502", "503", "529"):
        yield from _each(carriers, code, overload=True, note="The other side is overloaded or out of reach.")


def _lines() -> Iterable[tuple[Key, Rule]]:
    yield from _each(
        "TypeError AttributeError NameError ImportError NotImplementedError SyntaxError RecursionError",
        permanent=True, note="A mistake in the code.",
    )  # fmt: skip
    yield from _each("ValidationError ImproperlyConfigured", permanent=True, note="Not valid (pydantic, Django, DRF).")
    yield from _each(
        "PermissionError AuthenticationError AuthorizationError NoPermissionError SMTPAuthenticationError "
        "SignatureVerificationError",
        permanent=True, note="Refused for want of rights, or by a wrong key.",
    )  # fmt: skip

    # Networks: Python's own, requests, urllib3, httpx, aiohttp, smtplib. Others are found by their base classes; the
    # commonest are named, so that it can be told afterwards which rule decided.
    yield from _each(
        "ConnectionError TimeoutError Timeout TimeoutException NetworkError RemoteProtocolError ChunkedEncodingError "
        "MaxRetryError URLError ClientConnectionError SMTPServerDisconnected SMTPConnectError APIConnectionError "
        "ConnectTimeout ReadTimeout ConnectError ReadError ConnectionRefusedError ConnectionResetError RemoteDisconnected",
        overload=True, note="Out of reach, or too slow to answer.",
    )  # fmt: skip
    for code in ("EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT", "EMFILE", "ENFILE"):
        yield from _each("OSError", code, overload=True, note="Out of reach, or out of connections.")
    yield from _each("SSLError JSONDecodeError", note="May pass: a connection cut short, an answer that is no JSON.")
    yield from _each("SSLCertVerificationError", permanent=True, note="The other side's certificate is not valid.")
    yield from _each(
        "InvalidURL InvalidSchema MissingSchema InvalidHeader InvalidJSONError URLRequired UnsupportedProtocol "
        "LocalProtocolError TooManyRedirects",
        permanent=True, note="The request cannot be sent as it is.",
    )  # fmt: skip
    yield from _each("SMTPResponseException", "4xx", note="In mail, 4xx means: try again later.")
    yield from _each("SMTPResponseException", "5xx", permanent=True, note="In mail, 5xx means: refused for good.")
    yield from _http()

    # Providers
    yield from _each("RateLimitError", overload=True, note="Too many requests.")
    yield from _each("CardError InvalidRequestError IdempotencyError", permanent=True, note="Stripe's last word.")
    yield from _each("CardError", "processing_error", note="Stripe: the card may be tried again.")
    yield from _each("IdempotencyError", "idempotency_key_in_use", note="Stripe: the first request is not over yet.")
    for code in ("lock_timeout", "rate_limit"):
        yield from _each("InvalidRequestError CardError StripeError", code, overload=True, note="Stripe: too busy.")
    yield from _each("TwilioRestException", "20429", overload=True, note="Twilio: too many requests.")

    # Databases: psycopg, Django and SQLite by their classes and SQLSTATEs; Redis
    yield from _each("ProgrammingError DataError NotSupportedError", permanent=True, note="A statement that is wrong.")
    yield from _each("TransactionManagementError", note="Follows a connection that broke.")
    for code in ("23502", "23514", "SQLITE_CONSTRAINT_NOTNULL", "SQLITE_CONSTRAINT_CHECK"):
        yield from _each("IntegrityError", code, permanent=True, note="A value that the table does not allow.")
    yield from _each("OperationalError", "53300", overload=True, note="Too many connections.")
    yield from _each("OutOfMemoryError BusyLoadingError", overload=True, note="Redis cannot take it now.")

    # Our own: they say themselves that they pass; these tell of overload as well
    yield from _each("RunTimeout NotSent OutcomeUnknown", overload=True, note="Too slow, or turned away.")


SHIPPED: dict[Key, Rule] = dict(_lines())
