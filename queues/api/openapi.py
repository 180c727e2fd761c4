"""What operations say of themselves beyond their serializers: problems, headers. What is done to all is in `schema_hooks`."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from queues.api import answers, idempotency, parsers, preconditions
from queues.api.problems import MEDIA_TYPE, Problem
from queues.errors import FieldError
from queues.ledger.idempotency import KEPT_DAYS

_PROBLEMS = {
    400: Problem(400, "parse_error", "The body is not valid JSON: Expecting value: line 1 column 9 (char 8)"),
    401: Problem(401, "not_authenticated", "Authentication credentials were not provided."),
    403: Problem(403, "not_allowed", "Your roles do not let you run jobs of the queue billing; they do on: email."),
    404: Problem(404, "unknown_job", "There is no job named 'routing.plan_route'. Did you mean 'routing.plan_routes'?"),
    406: Problem(406, "not_acceptable", "Could not satisfy the request Accept header."),
    409: Problem(409, "wrong_state", "This run is succeeded already: there is nothing to cancel."),
    411: Problem(411, "length_required", str(parsers.LengthRequired.default_detail)),
    412: Problem(412, "precondition_failed", str(preconditions.PreconditionFailed.default_detail)),
    413: Problem(413, "too_large", "The body is over 65,536 bytes; send less, or send a reference to it."),
    415: Problem(415, "unsupported_media_type", 'Unsupported media type "text/plain" in request.'),
    422: Problem(
        422,
        "invalid_params",
        "The parameters of queues.clean_history are not valid: params.chunk: Input should be less than or equal to 900",
        [FieldError("params.chunk", "Input should be less than or equal to 900", "less_than_equal")],
    ),
    429: Problem(
        429,
        "rate_limited",
        "The limit 'creation' is reached: 20 jobs are allowed in one minute, and none is left. Try again in 43 s.",
    ),
    428: Problem(428, "precondition_required", str(preconditions.PreconditionRequired.default_detail)),
    500: Problem(500, "internal", "Something went wrong here, not in your request."),
    503: Problem(503, "database_away", "The database does not answer now. Try again in 5 s."),
}


TAGS = r'^(\*|"[!#-+\--~]*"(, "[!#-+\--~]*")*)$'  # as RFC 9110 has them, without commas inside


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """The problems an operation may answer with, for extend_schema's `responses`."""
    body = (411,) if 415 in statuses else ()
    return {(status, MEDIA_TYPE): _response(status) for status in sorted({*statuses, *body, 406, 429, 500, 503})}


def idempotent(status: int, noun: str = "run") -> list[OpenApiParameter]:
    """The headers of an operation that is done once a key (see `idempotency`), for extend_schema's `parameters`."""
    key = OpenApiParameter(
        idempotency.HEADER,
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        pattern=f"^{idempotency.PATTERN}$",
        description=(
            "A name of your own for this request, e.g. a UUID. Sent again with the same key and the same body within "
            f"{KEPT_DAYS} days, it is answered as it was the first time, to the letter, and nothing is done twice: ask the "
            f"{noun} itself how it is by now. With another body: 422 idempotency_conflict."
        ),
    )
    replayed = OpenApiParameter(
        idempotency.REPLAYED,
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        enum=["true"],
        description=f"Only there where an earlier request with the same {idempotency.HEADER} did the work.",
        response=[status],
    )
    return [key, replayed]


def location(status: int) -> list[OpenApiParameter]:
    """The header of an answer that says where what was made is read, for extend_schema's `parameters`."""
    said = "The path of what was made."
    return [
        OpenApiParameter(
            "Location", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, response=[status], description=said
        )
    ]


def tagged(status: int) -> OpenApiParameter:
    """The header that names the state of the object in an answer, for extend_schema's `parameters`."""
    said = "Names this state of the object."
    return OpenApiParameter(
        "ETag", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, response=[status], description=said
    )


def conditional(method: str) -> list[OpenApiParameter]:
    """The headers of an operation on one object, for extend_schema's `parameters`."""
    if method == "GET":
        said = "An ETag: 304 without a body if the object is still in that state."
        known = OpenApiParameter("If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description=said)
        return [known, tagged(200), tagged(304)]
    said = (
        "The ETag of the object as you read it. Left out: 428; if it has changed since: 412. `*`: whatever it is now."
    )
    needed = OpenApiParameter(
        "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, pattern=TAGS, description=said, required=True
    )
    return [needed] if method == "DELETE" else [needed, tagged(200)]


def _response(status: int) -> OpenApiResponse:
    problem = _PROBLEMS[status]
    body = problem.body("0f9a1c52-6f0e-4f0b-9d0c-2b1c7f7f6a11")
    example = OpenApiExample(problem.code, value=body, response_only=True, media_type=MEDIA_TYPE)
    return OpenApiResponse(answers.Problem, description=str(body["title"]), examples=[example])
