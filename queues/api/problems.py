"""Every error of the API as an RFC 9457 problem (application/problem+json), our errors and the framework's alike.

`code` is stable; `title` and `detail` are for people; `instance` is the request's id; `errors` names wrong fields.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, NotSupportedError, ProgrammingError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.views import set_rollback

from queues import errors as ours
from queues.api.request_id import request_id_of
from queues.errors import FieldError
from queues.watch.refusals import refusals

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
OUR_FAULT = "Something went wrong here, not in your request. Tell the operators the id in `instance`."
AWAY = f"The database does not answer now. Try again in {RETRY_AFTER_S} s."

# The first class that fits decides; what fits none is our own fault.
STATUS: tuple[tuple[type[ours.RoundsmanError], int], ...] = (
    (ours.UnknownJob, 404),
    (ours.UnknownQueue, 404),
    (ours.InvalidParams, 422),
    (ours.TooLarge, 413),
    (ours.NotAllowed, 403),
    (ours.InUse, 409),
    (ours.WrongState, 409),
    (ours.Disabled, 409),
    (ours.IdempotencyConflict, 422),
    (ours.RateLimited, 429),
    (ours.LimitsUnavailable, 503),
    (ours.TransientError, 503),
)
# A statement that was wrong is a fault of ours; every other database error says that the database is away or busy.
FAULTS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


@dataclass(frozen=True)
class Problem:
    """What one error tells the client. `code` tells problems of the same status apart."""

    status: int
    code: str
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, instance: str) -> dict[str, Any]:
        """The JSON: type, title, status, detail, code, instance and, where fields are wrong, errors."""
        told: dict[str, Any] = {
            "type": f"urn:roundsman:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "instance": instance,
        }
        if self.errors:
            told["errors"] = [asdict(error) for error in self.errors]
        return told


def exception_handler(error: Exception, context: Mapping[str, Any]) -> JsonResponse:
    """DRF's hook: any exception of a view becomes a problem; a transaction around the request is rolled back.

    The answer is rendered here, for a problem must not depend on what the client accepts.
    """
    request = context.get("request")
    instance = request_id_of(request)
    problem = problem_of(error)
    refusals.add(problem.code, error.bucket if isinstance(error, ours.RateLimited) else "")
    if problem.status == 503:
        log.error("503 %s in request %s: %s", problem.code, instance or "without an id", " ".join(str(error).split()))
    elif problem.status >= 500:
        log.error("%s in request %s", type(error).__name__, instance or "without an id", exc_info=error)
    set_rollback()
    response = JsonResponse(problem.body(instance), status=problem.status, content_type=MEDIA_TYPE)
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


def problem_of(error: Exception) -> Problem:
    """The problem that an exception is. What nobody foresaw tells nothing of the inside."""
    if isinstance(error, ours.RoundsmanError):
        return _of_ours(error)
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    if isinstance(error, Http404):
        return Problem(404, "not_found", str(error) or "There is nothing here.")
    if isinstance(error, PermissionDenied):
        return Problem(403, "not_allowed", str(error) or "Your roles do not reach this far.")
    if isinstance(error, RequestDataTooBig):
        return Problem(413, "too_large", "The request's body is too large.")
    if is_away(error):
        return _away("database_away", AWAY)
    return Problem(500, "internal", OUR_FAULT)


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database is away or busy (and not that a statement of ours was wrong)."""
    return isinstance(error, (DatabaseError, InterfaceError)) and not isinstance(error, FAULTS)


def _away(code: str, detail: str) -> Problem:
    return Problem(503, code, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


def _of_ours(error: ours.RoundsmanError) -> Problem:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), None)
    if status is None:
        return Problem(500, "internal", OUR_FAULT)
    if status == 503:
        return _away(error.code, str(error))
    if isinstance(error, ours.RateLimited):
        return Problem(status, error.code, str(error), headers={"Retry-After": str(error.after_s)})
    return Problem(status, error.code, str(error), error.errors if isinstance(error, ours.InvalidParams) else ())


def _of_framework(error: exceptions.APIException) -> Problem:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(challenge)
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    if isinstance(error, exceptions.ValidationError):
        fields = list(_fields(error.detail))
        listed = "; ".join(f"{each.field or 'body'}: {each.message}" for each in fields)
        return Problem(422, "invalid", f"The request is not valid: {listed}", fields, headers)
    detail, code = _told(error)
    return Problem(error.status_code, code, detail, headers=headers)


def _told(error: exceptions.APIException) -> tuple[str, str]:
    """The sentence and its code; the token library puts them into a mapping."""
    detail: Any = error.detail
    if isinstance(detail, Mapping):
        return str(detail.get("detail", error.default_detail)), str(detail.get("code", error.default_code))
    if isinstance(detail, list):
        detail = detail[0] if detail else error.default_detail
    return str(detail), str(getattr(detail, "code", None) or error.default_code)


def _fields(detail: Any, path: str = "") -> Iterator[FieldError]:
    """DRF's nested details as one flat list; keys and indices joined by dots."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            yield from _fields(inner, ".".join(part for part in (path, name) if part))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            deeper = isinstance(inner, (Mapping, list))
            yield from _fields(inner, f"{path}.{index}".strip(".") if deeper else path)
    else:
        yield FieldError(path, str(detail), str(getattr(detail, "code", None) or "invalid"))
