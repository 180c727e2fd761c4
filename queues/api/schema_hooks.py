"""What is done to the whole OpenAPI document at the end: hooks of drf-spectacular, in the order of the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from queues import catalogue, registry
from queues.api.auto_schema import listed
from queues.api.problems import MEDIA_TYPE
from queues.api.request_id import HEADER as REQUEST_ID
from queues.ledger import clock
from queues.registry import JobSpec

Document = dict[str, Any]
REFERENCE = "#/components/schemas/"
MOMENTS = ("at", "run_at", "until")
VERBS = ("get", "post", "put", "patch", "delete")
HEADERS: dict[str, dict[str, Any]] = {
    REQUEST_ID: {
        "description": "Names this request in our logs. Yours, if you sent 1 to 64 of A-Z a-z 0-9 . _ -",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "RateLimit-Policy": {
        "description": "The limit that decides: its name, how many are allowed (q), in how many seconds (w). "
        "Not there where nothing is limited, or the counters are away.",
        "schema": {"type": "string", "pattern": '^"[a-z]+";q=[0-9]+;w=[0-9]+$', "example": '"general";q=100;w=900'},
    },
    "RateLimit": {
        "description": "How you stand with it: how many are left (r), and in how many seconds (t) there is room again.",
        "schema": {"type": "string", "pattern": '^"[a-z]+";r=[0-9]+;t=[0-9]+$', "example": '"general";r=99;t=900'},
    },
    "Retry-After": {
        "description": "Come again in so many seconds, not before.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "How to say who you are.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Link": {
        "description": 'The next page, if there is one, as in `next`: `<path>; rel="next"` (RFC 8288).',
        "schema": {"type": "string"},
    },
}


def job_params(result: Document, generator: Any, request: Any, public: bool) -> Document:
    """One schema a job, as the handlers declare them; a request for a run is one for a job with its parameters."""
    schemas: dict[str, Any] = result["components"]["schemas"]
    for spec in registry.specs():
        prefix = f"{spec.name}.params"
        own = spec.params.model_json_schema(ref_template=f"{REFERENCE}{prefix}.{{model}}")
        models = {f"{prefix}.{name}": each for name, each in own.pop("$defs", {}).items()} | {prefix: own}
        for name, model in models.items():
            schemas[name] = {key: value for key, value in model.items() if key != "title"}  # its class's name
    if (body := schemas.get("JobRequest")) is not None:
        schemas |= {f"{spec.name}.job": _of_job(body, spec) for spec in registry.specs()}
        schemas["DefinitionJob"] = _of_definition(body)
        names = ["DefinitionJob", *(f"{spec.name}.job" for spec in registry.specs())]
        schemas["JobRequest"] = _any_of(body, names)
    for queue in catalogue.NAMES:
        body, kinds = schemas.get(f"{typed(queue)}Request"), jobs_of(queue)
        if body is not None and kinds:
            only = kinds[0] if len(kinds) == 1 else None
            of_all = _any_of(body, [f"{spec.name}.job" for spec in kinds])
            schemas[f"{typed(queue)}Request"] = _of_job(body, only, named=False) if only else of_all
    for operation in _operations(result):  # the library sees no field that each of them needs
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        body = schemas.get(_name_of(content.get("schema", {})), {})
        if body.get("anyOf") or body.get("required"):
            operation["requestBody"]["required"] = True
    return result


def times_to_come(result: Document, generator: Any, request: Any, public: bool) -> Document:
    """A time in an example of a request is one that works: tomorrow, whenever the document is read."""
    tomorrow = (clock.at_hand() + timedelta(days=1)).strftime("%Y-%m-%dT04:00:00Z")
    for operation in _operations(result):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for example in content.get("examples", {}).values():
            moments = {name: tomorrow for name in MOMENTS if example["value"].get(name)}
            example["value"] = {**example["value"], **moments}
    return result


def typed(queue: str) -> str:
    """What the body of a job of this type is called."""
    return f"{queue.title().replace('-', '')}Job"


def jobs_of(queue: str) -> list[JobSpec[Any]]:
    """The jobs with a handler that run on this queue, by name."""
    return [spec for spec in registry.specs() if spec.run is not None and catalogue.canonical(spec.queue) == queue]


def _of_job(body: Document, spec: JobSpec[Any], named: bool = True) -> Document:
    """A request for this job. A parameter is required only where the job has required ones."""
    own = {
        "job": {"type": "string", "enum": [spec.name, *spec.aliases]},
        "params": {"$ref": f"{REFERENCE}{spec.name}.params"},
    }
    needed = [*(["job"] if named else []), *(["params"] if spec.params.model_json_schema().get("required") else [])]
    options = {name: each for name, each in body["properties"].items() if name != "definition"}
    told = {**body, "description": spec.description, "properties": {**options, **own}}
    return {**told, "title": spec.title, "required": needed} if named else {**told, "required": needed}


def _of_definition(body: Document) -> Document:
    options = {name: each for name, each in body["properties"].items() if name != "job"}
    said = "One run of a definition by its name."
    return {**body, "description": said, "properties": options, "required": ["definition"]}


def _any_of(body: Document, names: Iterable[str]) -> Document:
    return {"description": body["description"], "anyOf": [{"$ref": f"{REFERENCE}{name}"} for name in names]}


def sparse_answers(result: Document, generator: Any, request: Any, public: bool) -> Document:
    """Where `fields` may be asked for: which there are, and that an answer has no others then."""
    schemas = result["components"]["schemas"]
    for operation in _operations(result):
        asked = next((each for each in operation.get("parameters", ()) if each["name"] == "fields"), None)
        if asked is None:
            continue
        place = operation["responses"]["200"]["content"]["application/json"]
        whole = schemas[_name_of(place["schema"])]
        if "items" in whole.get("properties", {}):
            place, key = whole["properties"]["items"], "items"
        else:
            key = "schema"
        if "$ref" in place[key]:  # not done already, for another operation with the same page
            place[key] = _or_part(place[key], schemas)
        first = place[key]["anyOf"][0] if "anyOf" in place[key] else place[key]
        asked["schema"]["pattern"] = listed(schemas[_name_of(first)]["properties"])
    return result


def _or_part(reference: Mapping[str, str], schemas: dict[str, Any]) -> Mapping[str, Any]:
    name = _name_of(reference)
    if not schemas[name].get("required"):
        return reference
    said = "With no more than the fields that were asked for."
    part = {key: value for key, value in schemas[name].items() if key != "required"}
    schemas[f"{name}Part"] = {**part, "description": said}
    return {"anyOf": [reference, {"$ref": f"{REFERENCE}{name}Part"}]}


def told_in_headers(result: Document, generator: Any, request: Any, public: bool) -> Document:
    """The headers that no single view adds: of limits, of pages, of problems."""
    result["components"]["headers"] = HEADERS
    for operation in _operations(result):
        limited = "429" in operation["responses"]
        for status, answer in operation["responses"].items():
            names = [REQUEST_ID, *(("RateLimit-Policy", "RateLimit") if limited else ())]
            if limited and status in ("429", "503"):
                names.append("Retry-After")
            if status == "401":
                names.append("WWW-Authenticate")
            if status == "200" and _is_page(result, answer):
                names.append("Link")
            references = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
            answer["headers"] = {**answer.get("headers", {}), **references}
    return result


def problems_once(result: Document, generator: Any, request: Any, public: bool) -> Document:
    """Operations refer to the problems that they share: one of each status."""
    shared: dict[str, Any] = result["components"].setdefault("responses", {})
    for operation in _operations(result):
        for status, answer in operation["responses"].items():
            if MEDIA_TYPE in answer.get("content", {}) and shared.setdefault(f"Problem{status}", answer) == answer:
                operation["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
    return result


def _is_page(result: Document, answer: Mapping[str, Any]) -> bool:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    found = result["components"]["schemas"].get(_name_of(schema), {})
    return {"items", "next"} <= set(found.get("properties", {}))


def _operations(result: Document) -> Iterator[dict[str, Any]]:
    for path in result["paths"].values():
        yield from (path[verb] for verb in VERBS if verb in path)


def _name_of(schema: Mapping[str, Any]) -> str:
    """The component that a schema refers to; "" where it is no reference."""
    return str(schema.get("$ref", "")).removeprefix(REFERENCE)
