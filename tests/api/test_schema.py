"""The schema is valid, whole and true: what it says is what is answered."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.management import call_command
from rest_framework.test import APIClient

from queues import registry
from queues.models import Run

SCHEMES = {"401", "403", "404", "409", "413", "415", "422", "400", "412", "428", "429", "500", "503"}


@pytest.fixture
def schema(jobs: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    loaded: dict[str, Any] = yaml.safe_load(out.getvalue())
    return loaded


def operations(schema: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(path, verb): each for path, verbs in schema["paths"].items() for verb, each in verbs.items()}


def test_it_is_valid_and_names_every_operation(schema: dict[str, Any]) -> None:
    one = "/api/v1/queue/{queue}/jobs/{run_id}"
    assert set(operations(schema)) == {
        ("/api/token/", "post"),
        ("/api/token/refresh/", "post"),
        ("/api/token/revoke/", "post"),
        ("/api/v1/queue/status", "get"),
        ("/api/v1/queue/stats", "get"),
        ("/api/v1/queue/stats/{queue}", "get"),
        ("/api/v1/queue/health", "get"),
        *(("/api/v1/queue/error-rules", verb) for verb in ("get", "put", "delete")),
        ("/api/v1/queue/jobs", "post"),
        ("/api/v1/queue/jobs/batch", "post"),
        ("/api/v1/queue/jobs/recurring", "post"),
        ("/api/v1/queue/initialize", "post"),
        *(
            (f"/api/v1/queue/{each}", "post")
            for each in ("route-optimization", "billing", "notifications", "data-sync", "maintenance")
        ),
        ("/api/v1/runs", "get"),
        *((f"/api/v1/runs/{{run_id}}{each}", "get") for each in ("", "/progress", "/log", "/events", "/stream")),
        *((f"/api/v1/runs/{{run_id}}/{each}", "post") for each in ("cancel", "retry")),
        ("/api/admin/queue/stats", "get"),
        (one, "get"),
        (f"{one}/cancel", "post"),
        (f"{one}/retry", "post"),
        *((f"/api/v1/queue/{{queue}}/{verb}", "post") for verb in ("pause", "resume", "drain", "clean")),
        ("/api/v1/queue/all/pause", "post"),
        ("/api/v1/queue/all/resume", "post"),
        ("/api/admin/queue/retry-failed", "post"),
        ("/api/admin/migration-status", "get"),
        *(("/api/v1/definitions", verb) for verb in ("get", "post")),
        *(("/api/v1/definitions/{id}", verb) for verb in ("get", "patch", "delete")),
        ("/api/v1/definitions/{id}/run", "post"),
        *(("/api/v1/schedules", verb) for verb in ("get", "post")),
        *(("/api/v1/schedules/{id}", verb) for verb in ("get", "patch", "delete")),
        *((f"/api/v1/schedules/{{id}}/{verb}", "post") for verb in ("pause", "resume")),
        ("/api/v1/schedules/{id}/next-fires", "get"),
        ("/api/v1/queues", "get"),
        *(("/api/v1/queues/{queue}", verb) for verb in ("get", "patch")),
        ("/api/v1/workers", "get"),
        *(("/api/v1/alerts", "get"), ("/api/v1/alerts/{id}", "get"), ("/api/v1/alerts/{id}/acknowledge", "post")),
        ("/api/v1/audit", "get"),
        *(("/api/v1/webhooks", verb) for verb in ("get", "post")),
        *(("/api/v1/webhooks/{id}", verb) for verb in ("get", "patch", "delete")),
        *((f"/api/v1/webhooks/{{id}}/{verb}", "post") for verb in ("rotate", "test", "replay")),
        ("/api/v1/webhooks/{id}/deliveries", "get"),
        ("/api/v1/webhooks/{id}/deliveries/{delivery}", "get"),
        ("/api/v1/webhooks/{id}/deliveries/{delivery}/replay", "post"),
        ("/healthz", "get"),
    }


def test_every_operation_tells_its_problems_with_an_example(schema: dict[str, Any]) -> None:
    for (path, verb), operation in operations(schema).items():
        if path == "/healthz":
            continue
        failing = {status: each for status, each in operation["responses"].items() if status in SCHEMES}
        assert {"429", "500", "503"} < set(failing), path
        said = {"get": set(), "delete": {"422"}}.get(verb, {"400", "413", "415", "422"})  # only a body can be no JSON
        assert ("401" in failing) and said <= set(failing), path
        for status, each in failing.items():
            content = each["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert [example["value"]["status"] for example in content["examples"].values()] == [int(status)]


def test_only_tokens_and_the_probe_are_open(schema: dict[str, Any]) -> None:
    open_to_all = {path for (path, _), operation in operations(schema).items() if "security" not in operation}
    assert open_to_all == {"/api/token/", "/api/token/refresh/", "/api/token/revoke/", "/healthz"}


def test_each_jobs_parameters_are_in_it(schema: dict[str, Any]) -> None:
    schemas = schema["components"]["schemas"]
    for spec in registry.specs():
        told = schemas[f"{spec.name}.params"]
        assert set(told.get("properties", {})) == set(spec.json_schema().get("properties", {}))
    kinds = schemas["JobRequest"]["anyOf"]
    weigh = next(kind for kind in kinds if "tests.weigh" in kind.get("properties", {}).get("job", {}).get("enum", ()))
    assert weigh["required"] == ["job", "params"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "verb"),
    [
        ("/api/v1/queue/status", "get"),
        ("/api/v1/queue/stats", "get"),
        ("/api/v1/queue/stats/{queue}", "get"),
        ("/api/v1/queue/health", "get"),
        ("/api/v1/queue/{queue}/jobs/{run_id}", "get"),
        ("/api/v1/queue/{queue}/jobs/{run_id}/cancel", "post"),
        ("/api/v1/queue/error-rules", "get"),
        ("/api/v1/runs", "get"),
        ("/api/v1/runs/{run_id}", "get"),
        ("/api/v1/runs/{run_id}/progress", "get"),
        ("/api/v1/runs/{run_id}/log", "get"),
        ("/api/v1/runs/{run_id}/events", "get"),
        ("/api/v1/runs/{run_id}/cancel", "post"),
        ("/api/v1/queue/initialize", "post"),
        ("/api/admin/queue/stats", "get"),
        ("/api/admin/migration-status", "get"),
        ("/healthz", "get"),
    ],
)
def test_answers_are_as_the_schema_says(
    schema: dict[str, Any], as_: Callable[[str], APIClient], a_run: Callable[..., Run], path: str, verb: str
) -> None:
    real = path.replace("{queue}", "billing").replace("{run_id}", str(a_run("billing").id))
    answer = as_("admin").generic(verb.upper(), real, b"", "application/json")
    assert answer.status_code == 200
    told = operations(schema)[path, verb]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**told, "components": schema["components"]}).validate(answer.json())


@pytest.mark.django_db
def test_problems_are_as_the_schema_says(schema: dict[str, Any], as_: Callable[[str], APIClient]) -> None:
    answer = as_("admin").post("/api/v1/queue/jobs", {"job": "tests.weigh", "params": {"tons": -1}}, format="json")
    reference = {"$ref": "#/components/schemas/Problem", "components": schema["components"]}
    jsonschema.Draft202012Validator(reference).validate(answer.json())
    assert answer.status_code == 422


def test_the_examples_of_requests_are_valid(schema: dict[str, Any]) -> None:
    body = schema["paths"]["/api/v1/queue/jobs"]["post"]["requestBody"]["content"]["application/json"]
    validator = jsonschema.Draft202012Validator({**body["schema"], "components": schema["components"]})
    for example in body["examples"].values():
        validator.validate(example["value"])


@pytest.mark.django_db
def test_the_examples_of_the_resources_work_and_their_answers_are_as_the_schema_says(
    schema: dict[str, Any], as_: Callable[[str], APIClient], rung: list[Any]
) -> None:
    """One after the other, as a client would: made, read, changed, run, paused, resumed; then the lists."""
    client, ids = as_("admin"), {"definitions": 0, "schedules": 0}
    steps = [
        ("post", "/api/v1/definitions", 201), ("get", "/api/v1/definitions/{id}", 200),
        ("post", "/api/v1/definitions/{id}/run", 202), ("post", "/api/v1/schedules", 201),
        ("get", "/api/v1/schedules/{id}", 200), ("patch", "/api/v1/schedules/{id}", 200),
        ("get", "/api/v1/schedules/{id}/next-fires", 200), ("post", "/api/v1/schedules/{id}/pause", 200),
        ("post", "/api/v1/schedules/{id}/resume", 200), ("patch", "/api/v1/definitions/{id}", 200),
        ("get", "/api/v1/queues/{queue}", 200), ("patch", "/api/v1/queues/{queue}", 200),
        *(("get", f"/api/v1/{each}", 200) for each in ("definitions", "schedules", "queues", "workers", "audit")),
    ]  # fmt: skip
    for verb, path, status in steps:
        kind = path.split("/")[3]
        url = path.replace("{id}", str(ids.get(kind))).replace("{queue}", "maintenance")
        operation = operations(schema)[path, verb]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        examples = [each["value"] for each in content.get("examples", {}).values()] or [None]
        for example in examples:
            headers = {"If-Match": client.get(url)["ETag"]} if verb == "patch" else {}
            answer = getattr(client, verb)(
                url, example, headers=headers, **({} if verb == "get" else {"format": "json"})
            )
            assert answer.status_code == status, (verb, path, answer.content)
            told = operation["responses"][str(status)]["content"]["application/json"]["schema"]
            jsonschema.Draft202012Validator({**told, "components": schema["components"]}).validate(answer.json())
            if status == 201:
                ids[kind] = answer.json()["id"]
