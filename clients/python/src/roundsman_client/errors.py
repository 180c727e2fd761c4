"""What can go wrong, each with a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

REQUEST_ID = "X-Request-ID"


class RoundsmanError(Exception):
    """Any error of this package."""


class Unreachable(RoundsmanError):
    """No answer came. Whether the server did what was asked is not known, unless the request had an idempotency key
    and is sent again with the same one."""


class TimedOut(RoundsmanError):
    """The run has not ended in the time that was given. It goes on."""


class NotSignedIn(RoundsmanError):
    """There are no credentials, or they cannot be renewed: sign in (again)."""


@dataclass(frozen=True)
class FieldError:
    """A wrong value: its path in the body, e.g. `params.tons`."""

    field: str
    message: str
    code: str


class ApiError(RoundsmanError):
    """The server's refusal, an RFC 9457 problem. Tell problems apart by `code`; tell `request_id` to the operators.

    `retry_after_s`: when the server wants to be asked again, in seconds; None where it does not say.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        request_id: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors = status, code, detail, errors
        self.request_id, self.retry_after_s = request_id, retry_after_s


def error_of(response: httpx.Response) -> ApiError:
    """The problem in an answer that is read. What is no problem of Roundsman's (a proxy's page) has a code `http_<status>`."""
    status, headers = response.status_code, response.headers
    problem = problem_in(response)
    after_s = retry_after_s(headers)
    if problem is None:
        hint = f"; it points to {headers['Location']}" if "Location" in headers else ""
        said = f"{response.request.url.host} answered {status} without saying why{hint}. Is the address right?"
        return ApiError(status, f"http_{status}", said, (), headers.get(REQUEST_ID, ""), after_s)
    return as_error({"status": status, "instance": headers.get(REQUEST_ID, ""), **problem}, after_s)


def as_error(problem: Mapping[str, Any], after_s: float | None = None) -> ApiError:
    """A problem document as the error that it is."""
    wrong = tuple(
        FieldError(str(each.get("field", "")), str(each.get("message", "")), str(each.get("code", "")))
        for each in problem.get("errors") or ()
    )
    instance = str(problem.get("instance", ""))
    return ApiError(
        int(problem["status"]), str(problem["code"]), str(problem.get("detail", "")), wrong, instance, after_s
    )


def problem_in(response: httpx.Response) -> Mapping[str, Any] | None:
    """The body, if it is a problem document."""
    if "problem+json" not in response.headers.get("Content-Type", ""):
        return None
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) and "code" in found else None


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Retry-After, in seconds or as a date; None where there is none or it is not understood."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (aware - (now or datetime.now(UTC))).total_seconds())
