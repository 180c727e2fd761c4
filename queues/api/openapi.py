"""The schema beyond what the serializers say: problems on every operation, and each job's own parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from queues import registry
from queues.api import answers, idempotency, preconditions
from queues.api.problems import MEDIA_TYPE, Problem
from queues.errors import FieldError
from queues.ledger.idempotency import KEPT_DAYS

_PROBLEMS = {
    400: Problem(400, "parse_error", "The body is not valid JSON: Expecting value: line 1 column 9 (char 8)"),
    401: Problem(401, "not_authenticated", "Authentication credentials were not provided."),
    403: Problem(403, "not_allowed", "Your roles do not let you run jobs of the queue billing; they do on: email."),
    404: Problem(404, "unknown_job", "There is no job named 'routing.plan_route'. Did you mean 'routing.plan_routes'?"),
    409: Problem(409, "wrong_state", "This run is succeeded already: there is nothing to cancel."),
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


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """The problems an operation may answer with, for extend_schema's `responses`."""
    return {(status, MEDIA_TYPE): _response(status) for status in (*statuses, 429, 500, 503)}


def idempotent(status: int, noun: str = "run") -> list[OpenApiParameter]:
    """The headers of an operation that uses `idempotency.once`, for extend_schema's `parameters`."""
    key = OpenApiParameter(
        idempotency.HEADER,
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        pattern=f"^{idempotency.PATTERN}$",
        description=(
            "A name of your own for this request, e.g. a UUID. Sent again with the same key and the same body within "
            f"{KEPT_DAYS} days, it is answered with the first {noun} as it is by then, and nothing is done twice. "
            f"With another body: 422 idempotency_conflict. Where that {noun} is deleted: 409 "
            f"{'run_gone' if noun == 'run' else 'gone'}."
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


def conditional(method: str) -> list[OpenApiParameter]:
    """The headers of an operation on one object, for extend_schema's `parameters`."""
    tag = OpenApiParameter(
        "ETag", OpenApiTypes.STR, OpenApiParameter.HEADER, response=[200], description="Names this state of the object."
    )
    if method == "GET":
        said = "An ETag: 304 without a body if the object is still in that state."
        return [OpenApiParameter("If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description=said), tag]
    said = (
        "The ETag of the object as you read it. Left out: 428; if it has changed since: 412. `*`: whatever it is now."
    )
    needed = OpenApiParameter("If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description=said, required=True)
    return [needed] if method == "DELETE" else [needed, tag]


def _response(status: int) -> OpenApiResponse:
    problem = _PROBLEMS[status]
    body = problem.body("0f9a1c52-6f0e-4f0b-9d0c-2b1c7f7f6a11")
    example = OpenApiExample(problem.code, value=body, response_only=True, media_type=MEDIA_TYPE)
    return OpenApiResponse(answers.Problem, description=str(body["title"]), examples=[example])


def job_params(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: one schema a job, as the handlers declare them, and JobRequest refers to all."""
    schemas: dict[str, Any] = result["components"]["schemas"]
    body = schemas.get("JobRequest")
    if body is None:
        return result
    kinds: list[Mapping[str, Any]] = [{"title": "A definition", "required": ["definition"]}]
    for spec in registry.specs():
        prefix = f"{spec.name}.params"
        own = spec.params.model_json_schema(ref_template=f"#/components/schemas/{prefix}.{{model}}")
        schemas.update({f"{prefix}.{name}": each for name, each in own.pop("$defs", {}).items()})
        schemas[prefix] = own
        # a parameter is required only when its job has required ones
        required = ["job", "params"] if own.get("required") else ["job"]
        named = {"enum": [spec.name, *spec.aliases]}
        properties = {"job": named, "params": {"$ref": f"#/components/schemas/{prefix}"}}
        kinds.append(
            {"title": spec.title, "description": spec.description, "properties": properties, "required": required}
        )
    body["anyOf"] = kinds
    return result
