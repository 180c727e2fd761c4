"""Whoever copies an example out of the documentation is served: each one is sent, by one who may, to a house that fits."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from queues import registry
from queues.api.schema_hooks import jobs_of
from queues.contract import Actor
from queues.ledger import clock, webhook_endpoints
from queues.ledger.requests import new_id
from queues.models import Alert, AuditEntry, JobDefinition, Run, Schedule, WebhookDelivery, WebhookEndpoint

from .conftest import PASSWORD
from .described import Document, answer_of, check, document, operations

pytestmark = pytest.mark.django_db
OF_ONE_RUN = {"cancel": "pending", "retry": "dead"}
TYPES = "/api/v1/queue/"
TOLD = ("Location", "ETag")


@pytest.fixture(scope="module")
def schema() -> Document:
    return document()


@pytest.fixture
def house(people: dict[str, User], rung: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the examples are about: two definitions, each with nothing on a schedule yet."""
    monkeypatch.setattr("queues.engine.bulk.release_runs", lambda pairs, **how: 0)
    for name in ("Plan tomorrow's routes", "Customers from the CRM"):
        JobDefinition.objects.create(name=name, job="queues.clean_history", params={"dry_run": True})


def examples() -> list[Any]:
    found = operations(document()).items()
    return [
        pytest.param(path, verb, each["value"], id=f"{operation['operationId']}-{name}")
        for (path, verb), operation in found
        for name, each in operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {}).items()
    ]  # fmt: skip


def test_every_operation_with_a_body_has_an_example_of_it(schema: Document) -> None:
    for (path, verb), operation in operations(schema).items():
        if "requestBody" in operation:
            assert operation["requestBody"]["content"]["application/json"].get("examples"), (verb, path)


@pytest.mark.parametrize(("path", "verb", "body"), examples())
def test_an_example_is_as_the_schema_says_and_is_accepted(
    schema: Document, house: None, as_: Callable[[str], APIClient], path: str, verb: str, body: dict[str, Any]
) -> None:
    operation, client = operations(schema)[path, verb], as_("admin")
    check(schema, operation["requestBody"]["content"]["application/json"], body)
    url, headers = _real(path), {}
    if path.endswith("/resume"):
        client.post(url.replace("/resume", "/pause"), {"why": "?"}, format="json")
    if verb == "patch":
        headers["If-Match"] = client.get(url)["ETag"]
    answer = client.generic(verb.upper(), url, _sent(client, path, body), "application/json", headers=headers)
    queue = path.removeprefix(TYPES)
    if queue in ("billing", "notifications", "data-sync") and not jobs_of(queue):
        assert answer.json()["code"] == "no_job_of_this_type"
        return
    assert 200 <= answer.status_code < 300, answer.content
    for content in answer_of(schema, operation, answer.status_code).get("content", {}).values():
        check(schema, content, answer.json())


def posts() -> list[Any]:
    """One example of each POST that takes a key."""
    found = {(each.values[0], each.values[1]): each for each in examples()}
    return [each for (path, verb), each in found.items() if verb == "post" and not path.startswith("/api/token/")]


@pytest.mark.parametrize(("path", "verb", "body"), posts())
def test_a_post_that_comes_twice_with_one_key_is_done_once_and_told_alike(
    house: None, as_: Callable[[str], APIClient], path: str, verb: str, body: dict[str, Any]
) -> None:
    client, url, key = as_("admin"), _real(path), {"Idempotency-Key": "once"}
    if path.endswith("/resume"):
        client.post(url.replace("/resume", "/pause"), {"why": "?"}, format="json")
    first = client.post(url, body, format="json", headers=key)
    if first.status_code == 404:  # no job of this type is installed
        return
    changes = AuditEntry.objects.count()
    again = client.post(url, body, format="json", headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert [again.get(name) for name in TOLD] == [first.get(name) for name in TOLD]
    assert AuditEntry.objects.count() == changes
    other = client.post(url, {}, format="json", headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")


def _real(path: str) -> str:
    """The path with what it is about, which is made."""
    if "definitions" not in path or "{id}" in path:
        JobDefinition.objects.create(name="Count the history", job="queues.clean_history", params={"dry_run": True})
    definition = JobDefinition.objects.filter(name="Count the history").first()
    path = path.replace("{queue}", "maintenance")
    if definition is None:
        return path
    if "/definitions/{id}" in path:
        return path.replace("{id}", str(definition.pk))
    if "/schedules/{id}" in path:
        made = Schedule.objects.create(name="Each hour", definition=definition, cron="0 * * * *")
        return path.replace("{id}", str(made.pk))
    if "/alerts/" in path:
        return path.replace("{id}", str(_alert().pk))
    if "/webhooks/" in path:
        return path.replace("{id}", str(_webhook().pk)).replace("{delivery}", str(WebhookDelivery.objects.get().pk))
    if "{run_id}" in path:
        return path.replace("{run_id}", str(_run(OF_ONE_RUN[path.rpartition("/")[2]]).pk))
    return path


def _alert() -> Alert:
    now = clock.now()
    made: Alert = Alert.objects.create(
        id=new_id(), rule="queue_wait", queue="billing", level="warning", text="t", value=6, threshold=5, peak=6,
        opened_at=now, level_at=now, last_seen_at=now,
    )  # fmt: skip
    return made


def _webhook() -> WebhookEndpoint:
    """With a message that was given up."""
    admin = User.objects.get(username="admin")
    asked = {"url": "https://hooks.example.org/", "description": "", "events": ["run.dead"], "queues": ["billing"]}
    made = webhook_endpoints.make(admin, **asked, by=admin, actor=Actor.system("tests"))
    WebhookDelivery.objects.create(
        id=new_id(), endpoint=made, event="run.dead", key="k", payload="{}", state="dead", created_at=clock.now()
    )
    return made


def _run(state: str) -> Run:
    spec = registry.get("queues.ping")
    ref = spec.enqueue(spec.validate({}))
    ended = {"finished_at": clock.now()} if state == "dead" else {}
    Run.objects.filter(pk=ref.id).update(state=state, queue="maintenance", **ended)
    return Run.objects.get(pk=ref.id)


def _sent(client: APIClient, path: str, body: dict[str, Any]) -> str:
    """The body; names, passwords and tokens are those of this house."""
    body = copy.deepcopy(body)
    if path == "/api/token/":
        body |= {"username": "dispatcher", "password": PASSWORD}
    elif path.startswith("/api/token/"):
        pair = client.post("/api/token/", {"username": "dispatcher", "password": PASSWORD}, format="json").json()
        body["refresh"] = pair["refresh"]
    return json.dumps(body)
