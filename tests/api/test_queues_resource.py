"""/api/v1/queues: what staff override, the defaults, and what is in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from queues import catalogue, policy
from queues.api.queue_resource import QueueChange
from queues.models import AuditEntry, Queue

pytestmark = pytest.mark.django_db
URL = "/api/v1/queues"


@pytest.fixture
def changed(as_: Callable[[str], APIClient]) -> Callable[..., Any]:
    """changed("billing", concurrency=2): an admin's change of what he has just read."""

    def change(queue: str, who: str = "admin", **body: Any) -> Any:
        client, path = as_(who), f"{URL}/{queue}"
        return client.patch(path, body, format="json", headers={"If-Match": client.get(path)["ETag"]})

    return change


def test_all_queues_are_told_in_serving_order(
    as_: Callable[[str], APIClient], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(10):
        told = as_("dispatcher").get(URL).json()
    assert [each["queue"] for each in told["items"]] == list(catalogue.NAMES) and told["next"] is None
    assert as_("manager").get(f"{URL}?fields=queue").json()["items"][0] == {"queue": "route-optimization"}
    assert as_("customer").get(URL).status_code == as_("driver").get(f"{URL}/billing").status_code == 403


def test_an_override_is_in_force_and_null_puts_the_default_back(changed: Callable[..., Any]) -> None:
    answer = changed("external-api-coordination", concurrency=4, rate_limit="10/min", executor="asyncio", why="Monday")
    told = answer.json()
    assert (answer.status_code, told["queue"], told["version"]) == (200, "external-api", 2)
    assert told["overrides"] == {
        "enabled": True, "concurrency": 4, "memory_limit_mb": None, "rate_limit": "10/min", "executor": "asyncio",
    }  # fmt: skip
    assert (told["in_force"]["concurrency"], told["defaults"]["concurrency"]) == (4, 8)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.source, entry.why) == ("queue.change", "api", "Monday")
    back = changed("external-api", concurrency=None, rate_limit=None, executor=None).json()
    assert set(back["overrides"].values()) == {True, None}
    assert back["in_force"]["rate_limit"] == back["defaults"]["rate_limit"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rate_limit": "often"}, "rate_limit"), ({"concurrency": 0}, "concurrency"), ({"executor": "steam"}, "executor"),
        ({"enabled": None}, "enabled"), ({"slots": 3}, "slots"), ({"concurrency": "many"}, "concurrency"),
    ],
)  # fmt: skip
def test_a_wrong_value_names_its_field(changed: Callable[..., Any], body: dict[str, Any], field: str) -> None:
    answer = changed("billing", **body)
    assert answer.status_code == 422 and [each["field"] for each in answer.json()["errors"]] == [field]
    assert Queue.objects.get(pk="billing").version == 1


@pytest.mark.parametrize("who", ["manager", "dispatcher"])
def test_only_admins_change_one(changed: Callable[..., Any], who: str) -> None:
    assert changed("billing", who, concurrency=9).status_code == 403


def test_every_field_that_can_be_written_is_in_the_policy() -> None:
    assert set(QueueChange().fields) - {"why"} == set(policy.CHANGES["queue"])


def test_an_unknown_queue_is_404_with_the_names(as_: Callable[[str], APIClient]) -> None:
    answer = as_("admin").get(f"{URL}/bills")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_queue") and "billing" in answer.json()[
        "detail"
    ]
