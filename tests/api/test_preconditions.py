"""ETag, If-None-Match, If-Match: what somebody else has changed meanwhile is not overwritten."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from rest_framework.test import APIClient

from queues.api.preconditions import tag_of
from queues.models import AuditEntry, JobDefinition, Queue, Schedule

Made = dict[str, tuple[str, dict[str, Any]]]


@pytest.fixture
def things(jobs: dict[str, str], people: Any) -> Made:
    """One of each kind of object: its path and a change of it."""
    definition = JobDefinition.objects.create(name="Bill all", job=jobs["billing"], params={"tons": 3})
    schedule = Schedule.objects.create(name="Nightly", definition=definition, cron="0 5 * * *")
    return {
        "definition": (f"/api/v1/definitions/{definition.pk}", {"priority": 7}),
        "schedule": (f"/api/v1/schedules/{schedule.pk}", {"cron": "0 6 * * *"}),
        "queue": ("/api/v1/queues/billing", {"memory_limit_mb": 256}),
    }


KINDS = pytest.mark.parametrize("kind", ["definition", "schedule", "queue"])


@KINDS
@pytest.mark.django_db
def test_what_is_as_it_was_read_is_304(things: Made, as_: Callable[[str], APIClient], kind: str) -> None:
    client, (path, change) = as_("admin"), things[kind]
    read = client.get(path)
    assert read["ETag"].startswith('"') and read["ETag"] == tag_of(read.json())
    for known in (read["ETag"], f'"x", W/{read["ETag"]}', "*"):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", read["ETag"])
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    part = client.get(f"{path}?fields=version")
    assert (part.json(), part["ETag"]) == ({"version": 1}, read["ETag"])
    changed = client.patch(path, change, format="json", headers={"If-Match": read["ETag"]})
    assert changed.status_code == 200 and changed["ETag"] == tag_of(changed.json()) != read["ETag"]
    read_again = client.get(path, headers={"If-None-Match": read["ETag"]})
    assert (read_again.status_code, read_again["ETag"]) == (200, changed["ETag"])


@KINDS
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.django_db
def test_a_change_needs_the_tag_of_what_there_is(
    things: Made, as_: Callable[[str], APIClient], kind: str, method: str
) -> None:
    client, path = as_("admin"), things[kind][0]
    if (kind, method) == ("queue", "DELETE"):
        assert client.delete(path).status_code == 405
        return
    read = client.get(path)
    for given, status, code in (
        (None, 428, "precondition_required"),
        ('"stale"', 412, "precondition_failed"),
        (f"W/{read['ETag']}", 412, "precondition_failed"),  # a weak tag is never the same
    ):
        headers = {} if given is None else {"If-Match": given}
        answer = client.generic(method, path, b'{"enabled": false}', "application/json", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get(path)["ETag"] == read["ETag"] and not AuditEntry.objects.exists()


@KINDS
@pytest.mark.django_db
def test_the_second_of_two_changes_with_one_tag_is_refused(
    things: Made, as_: Callable[[str], APIClient], kind: str
) -> None:
    client, (path, change) = as_("admin"), things[kind]
    headers = {"If-Match": client.get(path)["ETag"]}
    found = [client.patch(path, change, format="json", headers=headers).status_code for _ in range(2)]
    assert found == [200, 412]
    assert client.patch(path, {"enabled": False}, format="json", headers={"If-Match": "*"}).status_code == 200


@pytest.mark.django_db
def test_what_the_admins_pages_change_changes_the_tag(
    things: Made, as_: Callable[[str], APIClient], people: Any
) -> None:
    client, (path, change) = as_("admin"), things["queue"]
    headers = {"If-Match": client.get(path)["ETag"]}
    assert client.post("/api/v1/queue/billing/pause", {"why": "?"}, format="json").status_code == 200
    assert client.patch(path, change, format="json", headers=headers).status_code == 412


@pytest.mark.django_db
def test_a_fire_does_not_change_a_schedules_tag(things: Made, as_: Callable[[str], APIClient]) -> None:
    from queues.ledger import clock

    client, (path, change) = as_("admin"), things["schedule"]
    headers = {"If-Match": client.get(path)["ETag"]}
    Schedule.objects.update(last_fire_at=clock.now(), next_fire_at=clock.now())
    assert client.patch(path, change, format="json", headers=headers).status_code == 200


@KINDS
@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_wins(things: Made, as_: Callable[[str], APIClient], kind: str) -> None:
    path, change = things[kind]
    clients = [as_("admin") for _ in range(4)]
    headers = {"If-Match": clients[0].get(path)["ETag"]}
    together, found = threading.Barrier(len(clients)), []

    def go(client: APIClient) -> None:
        try:
            together.wait(10)
            found.append(client.patch(path, change, format="json", headers=headers).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == [200, 412, 412, 412]
    assert AuditEntry.objects.filter(action=f"{kind}.change").count() == 1
    assert Queue.objects.count()
