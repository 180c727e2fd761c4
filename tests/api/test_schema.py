"""The schema is valid, whole and true: what it says is what is answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from queues import registry
from queues.models import Run

from .described import answer_of, check, document, operations

SCHEMES = {"400", "401", "403", "404", "406", "409", "411", "412", "413", "415", "422", "428", "429", "500", "503"}
SIGN_IN = {"/api/token/", "/api/token/refresh/", "/api/token/revoke/"}
LOCATED = {"enqueue_jobs"}  # many runs, each with its own address in the body


@pytest.fixture
def schema(jobs: Any) -> dict[str, Any]:
    return document()


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
        *((f"/api/v1/schedules/{{id}}/{verb}", "post") for verb in ("pause", "resume", "fire")),
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
        failing = {
            status: answer_of(schema, operation, status) for status in operation["responses"] if status in SCHEMES
        }
        assert {"406", "429", "500", "503"} < set(failing), path
        said = {"get": set(), "delete": {"422"}}.get(verb, {"400", "411", "413", "415", "422"})  # of a body
        assert ("401" in failing) and said <= set(failing), path
        for status, each in failing.items():
            content = each["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert [example["value"]["status"] for example in content["examples"].values()] == [int(status)]


def test_only_tokens_and_the_probe_are_open(schema: dict[str, Any]) -> None:
    open_to_all = {path for (path, _), operation in operations(schema).items() if "security" not in operation}
    assert open_to_all == {*SIGN_IN, "/healthz"}
    others = [each["security"] for (path, _), each in operations(schema).items() if path not in open_to_all]
    assert all(each == [{"apiKey": []}, {"jwtAuth": []}] for each in others)
    schemes = schema["components"]["securitySchemes"]
    assert schemes["jwtAuth"] == {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    assert (schemes["apiKey"]["type"], schemes["apiKey"]["in"], schemes["apiKey"]["name"]) == (
        "apiKey",
        "header",
        "X-API-Key",
    )


def test_every_post_takes_an_idempotency_key_but_those_that_sign_in(schema: dict[str, Any]) -> None:
    for (path, verb), operation in operations(schema).items():
        if verb == "post":
            names = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
            assert ("Idempotency-Key" in names) is (path not in SIGN_IN), path


def test_every_answer_tells_its_headers(schema: dict[str, Any]) -> None:
    for (path, verb), operation in operations(schema).items():
        tagged = any(each["name"] == "If-Match" for each in operation.get("parameters", ()))
        for status in operation["responses"]:
            told, where = answer_of(schema, operation, status)["headers"], (path, verb, status)
            assert "X-Request-ID" in told, where
            assert ({"RateLimit", "RateLimit-Policy"} <= told.keys()) is (path != "/healthz"), where
            assert ("Retry-After" in told) is (status in ("429", "503") and path != "/healthz"), where
            assert ("WWW-Authenticate" in told) is (status == "401"), where
            located = status in ("201", "202") and verb == "post" and operation["operationId"] not in LOCATED
            assert ("Location" in told) is located, where
            assert "ETag" in told or not (tagged and status == "200"), where


def test_a_request_body_refuses_what_it_does_not_name(schema: dict[str, Any]) -> None:
    for name, each in schema["components"]["schemas"].items():
        if name.endswith("Request") and "anyOf" not in each and name != "RefreshRequest":  # (that is the library's)
            assert each["additionalProperties"] is False, name


def test_each_jobs_parameters_are_in_it(schema: dict[str, Any]) -> None:
    schemas = schema["components"]["schemas"]
    for spec in registry.specs():
        told = schemas[f"{spec.name}.params"]
        assert set(told.get("properties", {})) == set(spec.json_schema().get("properties", {}))
    kinds = [each["$ref"].rpartition("/")[2] for each in schemas["JobRequest"]["anyOf"]]
    assert kinds == ["DefinitionJob", *(f"{spec.name}.job" for spec in registry.specs())]
    weigh = schemas["tests.weigh.job"]
    assert (weigh["properties"]["job"]["enum"], weigh["required"]) == (["tests.weigh"], ["job", "params"])
    assert "dedupe_key" in weigh["properties"] and "definition" not in weigh["properties"]


@pytest.fixture
def the_only_one() -> Iterator[None]:
    registry.spec("tests.sync", queue="data-sync", params=registry.get("tests.bill").params).handler(lambda *_: None)
    yield
    registry.forget("tests.sync")


def test_a_type_with_one_job_needs_no_name_and_one_with_several_does(jobs: Any, the_only_one: None) -> None:
    schema = document()
    schemas = schema["components"]["schemas"]
    assert schemas["DataSyncJobRequest"]["required"] == ["params"]
    assert schemas["DataSyncJobRequest"]["properties"]["params"] == {"$ref": "#/components/schemas/tests.sync.params"}
    named = [schemas[each["$ref"].rpartition("/")[2]]["required"] for each in schemas["MaintenanceJobRequest"]["anyOf"]]
    assert len(named) > 1 and all("job" in each for each in named)
    bodies = {
        path: schema["paths"][path]["post"]["requestBody"] for path in ("/api/v1/queue/data-sync", "/api/v1/queue/jobs")
    }
    assert all(body["required"] for body in bodies.values())


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
    check(schema, operations(schema)[path, verb]["responses"]["200"]["content"]["application/json"], answer.json())


@pytest.mark.django_db
def test_problems_are_as_the_schema_says(schema: dict[str, Any], as_: Callable[[str], APIClient]) -> None:
    answer = as_("admin").post("/api/v1/queue/jobs", {"job": "tests.weigh", "params": {"tons": -1}}, format="json")
    check(schema, {"schema": {"$ref": "#/components/schemas/Problem"}}, answer.json())
    assert answer.status_code == 422


def test_the_examples_of_requests_are_valid(schema: dict[str, Any]) -> None:
    body = schema["paths"]["/api/v1/queue/jobs"]["post"]["requestBody"]["content"]["application/json"]
    for example in body["examples"].values():
        check(schema, body, example["value"])


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/definitions", "/api/v1/runs", "/api/v1/queues", "/api/v1/queues/{queue}"])
def test_answers_with_some_fields_only_are_as_the_schema_says(
    schema: dict[str, Any], as_: Callable[[str], APIClient], a_run: Callable[..., Run], path: str
) -> None:
    a_run("billing")
    operation = operations(schema)[path, "get"]
    (asked,) = [each for each in operation["parameters"] if each["name"] == "fields"]
    first, second = re.findall(r"\w+", asked["schema"]["pattern"])[:2]
    assert re.fullmatch(asked["schema"]["pattern"], f"{first},{second}")
    assert not re.search(asked["schema"]["pattern"], f"{first},colour")
    answer = as_("admin").get(path.replace("{queue}", "billing"), {"fields": f"{first},{second}"})
    check(schema, operation["responses"]["200"]["content"]["application/json"], answer.json())
