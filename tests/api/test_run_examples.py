"""The examples of the runs' endpoints are what one would really send and get: the schema holds against each of them."""

from __future__ import annotations

import io
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.management import call_command

OURS = ("/api/v1/runs", "/api/v1/queue/jobs", "/api/v1/queue/initialize", "/api/admin/queue/stats")
TYPES = ("route-optimization", "billing", "notifications", "data-sync", "maintenance")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    out = io.StringIO()
    call_command("spectacular", stdout=out)
    loaded: dict[str, Any] = yaml.safe_load(out.getvalue())
    return loaded


def mine(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    paths = {*OURS, *(f"/api/v1/queue/{each}" for each in TYPES)}
    return {
        f"{verb} {path}": operation
        for path, verbs in schema["paths"].items()
        if path in paths or path.startswith(OURS[:2])
        for verb, operation in verbs.items()
    }


def test_every_example_is_as_the_schema_says(schema: dict[str, Any]) -> None:
    for name, operation in mine(schema).items():
        bodies = [operation.get("requestBody", {}).get("content", {}).get("application/json", {})]
        bodies += [
            each.get("content", {}).get("application/json", {})
            for status, each in operation["responses"].items()
            if status.startswith("2")
        ]
        for body in bodies:
            for title, example in body.get("examples", {}).items():
                whole = {**body["schema"], "components": schema["components"]}
                errors = [
                    error.message for error in jsonschema.Draft202012Validator(whole).iter_errors(example["value"])
                ]
                assert errors == [], (name, title)


def test_every_operation_has_an_example_of_what_it_takes_and_gives(schema: dict[str, Any]) -> None:
    for name, operation in mine(schema).items():
        content = [
            each
            for status, answer in operation["responses"].items()
            if status.startswith("2")
            for each in answer.get("content", {}).values()
        ]
        if "requestBody" in operation:
            content.append(operation["requestBody"]["content"]["application/json"])
        assert any("examples" in each for each in content), name
