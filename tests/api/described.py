"""The OpenAPI document, as tests read it."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import jsonschema
import yaml
from django.core.management import call_command

from queues import registry

Document = dict[str, Any]


def document() -> Document:
    """As it is made of the jobs there are now; what is wrong with it, or only doubtful, raises."""
    return _made(tuple((spec.name, spec.queue, spec.title, spec.params) for spec in registry.specs()))


@lru_cache(maxsize=8)  # it takes seconds, and most tests have the same jobs
def _made(jobs: tuple[object, ...]) -> Document:
    out = io.StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    loaded: Document = yaml.safe_load(out.getvalue())
    return loaded


def operations(schema: Document) -> dict[tuple[str, str], Document]:
    """By path and verb."""
    return {(path, verb): each for path, verbs in schema["paths"].items() for verb, each in verbs.items()}


def answer_of(schema: Document, operation: Document, status: int | str) -> Document:
    """What an operation answers with this status, be it its own or one that many share."""
    found: Document = operation["responses"][str(status)]
    if "$ref" in found:
        found = schema["components"]["responses"][found["$ref"].rpartition("/")[2]]
    return found


def check(schema: Document, content: Document, value: Any) -> None:
    """Raises where a value is not as the content (of an answer, of a request) says."""
    whole = {**content["schema"], "components": schema["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(value)
