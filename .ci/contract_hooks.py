"""What schemathesis must know of our API beyond its schema.

No schema can say that a moment is to come, that a name is taken, or which parameters the job of an existing definition has. So a
request that the schema allows may yet be refused: with 422 and, in each of its `errors`, one of the codes below. Anything
else that refuses such a request is a failure.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import Any
from uuid import UUID

import schemathesis

# code → why the schema cannot say it
UNSAYABLE = {
    "in_past": "a moment that must be to come",
    "too_far": "a moment within five years",
    "overflow": "a moment that, in UTC, is before year 1",
    "no_offset": "RFC 3339 wants an offset; some of what the tool generates for date-time has none",
    "before_since": "one moment after another",
    "before_start": "one moment after another",
    "never_fires": "a timetable with a moment in it",
    "bad_cron": "cron has more rules than a pattern",
    "bad_zone": "the time zones there are depend on the installation",
    "invalid_rate": "a rate is written in many ways",
    "bad_cursor": "a cursor comes out of an answer",
    "bad_url": "which hosts, ports and schemes a URL may lead to",
    "unknown_job": "the jobs there are depend on the installation",
    "too_many": "how many there are already",
    "unique": "the names that are taken",
    "one_of": "exactly one of several fields",
    "wrong_kind": "the field that says when goes with the kind",
    "required": "what else is needed depends on the kind",
    "invalid_params": "parameters depend on the job of the definition",
    "not_for_unique": "it depends on the definition",
    "blank": "white space of other alphabets is cut off, too",
    "min_length": "white space is cut off before it is counted",
}
OF_A_DEFINITION = re.compile(r"^/api/v1/(definitions|schedules|queue/jobs/recurring)")
TAG = re.compile(r'"[!#-+\--~]*"(, "[!#-+\--~]*")*')
EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": r"^\d{1,18}(\.end)?$"},
        "event": {"enum": ["state", "progress", "log", "end", "closed"]},
        "data": {"type": "string"},
        "retry": {"type": "integer"},
    },
}


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: Any) -> None:
    """OpenAPI 3.1 tells of an event stream as one text. The tool looks at each event, which 3.2 calls `itemSchema`."""
    for path in raw_schema["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                if "text/event-stream" in answer.get("content", {}):
                    answer["content"]["text/event-stream"] = {"itemSchema": EVENT}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Where the tool sends the same key with every body, each gets one of its own, so that bodies are looked at; of the
    well-formed tags, which name no state of anything, most become `*`, so that changes are made."""
    headers = case.headers
    if headers.get("Idempotency-Key") in ("0", "00"):
        headers["Idempotency-Key"] = str(UUID(int=next(NUMBERS)))
    tag = headers.get("If-Match")
    if tag is not None and TAG.fullmatch(tag) and zlib.crc32(tag.encode()) % 4:
        headers["If-Match"] = "*"


NUMBERS = iter(range(1, 10**9))


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """False: this is no failure."""
    kind, path = type(failure).__name__, case.operation.path
    if kind == "RejectedPositiveData" and response.status_code == 422:
        named = isinstance(case.body, dict) and "definition" in case.body
        return not _answered(
            json.loads(response.content), of_definition=named or OF_A_DEFINITION.match(path) is not None
        )
    if kind == "AcceptedNegativeData" and path == "/api/v1/queue/jobs/batch":
        return json.loads(response.content)["refused"] == 0  # each item is refused in its own place
    return True


def _answered(problem: dict[str, Any], *, of_definition: bool) -> bool:
    if problem["code"] == "idempotency_conflict":  # the key came before, with another body
        return True
    if problem["code"] == "invalid_params":
        return of_definition
    return bool(problem.get("errors")) and all(error["code"] in UNSAYABLE for error in problem["errors"])
