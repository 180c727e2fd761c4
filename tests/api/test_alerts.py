"""/api/v1/alerts: what is open or was, to whom it is shown, and who takes care of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from queues.contract import Actor
from queues.ledger import api_keys, clock
from queues.ledger.requests import new_id
from queues.models import Alert, AuditEntry

pytestmark = pytest.mark.django_db
URL = "/api/v1/alerts"
As = Callable[[str], APIClient]


def alert(rule: str = "queue_wait", queue: str = "billing", **values: Any) -> Alert:
    now = clock.now()
    plain = {
        "level": "warning", "text": "The oldest due run has waited 6.0 s (warning over 5 s).", "value": 6.0, "threshold": 5.0,
        "peak": 7.0, "opened_at": now, "level_at": now, "last_seen_at": now,
    }  # fmt: skip
    return Alert.objects.create(id=new_id(), rule=rule, queue=queue, **{**plain, **values})


@pytest.fixture
def some(people: Any) -> dict[str, Alert]:
    return {
        "billing": alert(),
        "email": alert("backlog", "email", level="critical", value=6000, threshold=5000),
        "house": alert("pool_use", "", value=90, threshold=85),
        "old": alert("sla", "billing", resolved_at=clock.now()),
    }


def rules(answer: Any) -> list[str]:
    return [each["rule"] for each in answer.json()["items"]]


def test_an_alert_is_told_with_what_it_means_and_what_to_do(as_: As, some: Any) -> None:
    told = as_("dispatcher").get(f"{URL}/{some['billing'].pk}").json()
    assert (told["rule"], told["title"], told["queue"], told["state"]) == (
        "queue_wait", "Queue wait", "billing", "open",
    )  # fmt: skip
    assert (told["value"], told["threshold"], told["peak"], told["unit"]) == (6.0, 5.0, 7.0, "s")
    assert told["act"] and told["runbook"] == "alerts-waiting.md"
    assert told["url"] == f"{URL}/{some['billing'].pk}"
    assert as_("dispatcher").get(f"{URL}/{some['house'].pk}").json()["queue"] is None


def test_the_open_ones_are_listed_newest_first_in_pages(as_: As, some: Any) -> None:
    first = as_("manager").get(URL, {"limit": 2})
    assert rules(first) == ["pool_use", "backlog"]
    assert first["Link"] == f'<{first.json()["next"]}>; rel="next"'
    second = as_("manager").get(first.json()["next"])
    assert rules(second) == ["queue_wait"] and second.json()["next"] is None


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"state": "resolved"}, ["sla"]), ({"state": "all"}, ["sla", "pool_use", "backlog", "queue_wait"]),
        ({"level": "critical"}, ["backlog"]), ({"queue": "billing"}, ["queue_wait"]), ({"rule": "pool_use"}, ["pool_use"]),
        ({"queue": "billing", "level": "critical"}, []),
    ],
)  # fmt: skip
def test_they_are_found_by_state_level_queue_and_rule(as_: As, some: Any, asked: Any, wanted: list[str]) -> None:
    assert rules(as_("admin").get(URL, asked)) == wanted


def test_fields_that_nobody_asked_for_are_left_out(as_: As, some: Any) -> None:
    assert as_("admin").get(URL, {"fields": "rule,level", "level": "critical"}).json()["items"] == [
        {"rule": "backlog", "level": "critical"}
    ]
    assert as_("admin").get(f"{URL}/{some['house'].pk}", {"fields": "unit"}).json() == {"unit": "%"}


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"state": "closed"}, 422, "invalid"),
        ({"queue": "nowhere"}, 404, "unknown_queue"),
        ({"limt": "1"}, 422, "invalid"),
    ],
)
def test_what_there_is_not_is_a_problem(as_: As, some: Any, asked: Any, status: int, code: str) -> None:
    answer = as_("admin").get(URL, asked)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_list_takes_one_query_for_its_rows(as_: As, some: Any) -> None:
    client = as_("admin")

    def queries() -> int:
        from django.db import connection

        with CaptureQueriesContext(connection) as found:
            client.get(URL)
        return len(found)

    queries()
    few = queries()
    for number in range(30):
        alert(f"rule{number}")
    assert queries() == few


def test_an_alert_that_is_as_it_was_read_is_304(as_: As, some: Any) -> None:
    client, path = as_("admin"), f"{URL}/{some['billing'].pk}"
    tag = client.get(path)["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


# --- whose they are ---


@pytest.mark.parametrize("who", ["customer", "driver", "nobody"])
def test_others_see_none_and_cannot_tell_whether_there_is_one(as_: As, some: Any, who: str) -> None:
    assert as_(who).get(URL).status_code == 403
    path = f"{URL}/{some['billing'].pk}"
    assert [as_(who).get(path).status_code, as_(who).post(f"{path}/acknowledge").status_code] == [404, 404]


def key(people: Any, **scope: Any) -> APIClient:
    _, text = api_keys.make("Gate", people["admin"], actor=Actor.system(), **scope)
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=text)
    return client


def test_a_key_sees_its_own_queues_and_the_house_only_with_its_figures(people: Any, some: Any) -> None:
    narrow = key(people, actions=["read"], queues=["billing"])
    assert rules(narrow.get(URL)) == ["queue_wait"]
    assert narrow.get(URL, {"queue": "email"}).status_code == 404
    assert narrow.get(f"{URL}/{some['email'].pk}").status_code == 404
    assert narrow.get(f"{URL}/{some['house'].pk}").status_code == 404
    assert rules(key(people, actions=["read", "stats"], queues=["email"]).get(URL)) == ["pool_use", "backlog"]


@pytest.mark.parametrize(
    ("who", "which", "status"),
    [
        ("manager", "billing", 200), ("dispatcher", "billing", 403), ("dispatcher", "email", 200), ("manager", "email", 403),
        ("manager", "house", 403), ("admin", "house", 200),
    ],
)  # fmt: skip
def test_who_runs_the_queues_jobs_acknowledges_and_of_the_house_admins(
    as_: As, some: Any, who: str, which: str, status: int
) -> None:
    answer = as_(who).post(f"{URL}/{some[which].pk}/acknowledge", {"note": "On it"}, format="json")
    assert answer.status_code == status
    assert (Alert.objects.get(pk=some[which].pk).acknowledged_by == who) == (status == 200)
    if status == 403:
        assert answer.json()["code"] == "not_allowed"


# --- to take care of one ---


def test_an_acknowledgement_is_told_audited_and_changes_the_tag(as_: As, some: Any) -> None:
    client, path = as_("manager"), f"{URL}/{some['billing'].pk}"
    before = client.get(path)["ETag"]
    answer = client.post(f"{path}/acknowledge", {"note": "A worker hangs"}, format="json")
    told = answer.json()
    assert (told["acknowledged_by"], told["note"], told["state"]) == ("manager", "A worker hangs", "open")
    assert answer["ETag"] == client.get(path)["ETag"] != before
    entry = AuditEntry.objects.get(action="alert.acknowledge")
    assert (entry.actor, entry.source, entry.why) == ("manager", "api", "A worker hangs")


def test_a_second_one_and_one_of_what_has_resolved_are_409(as_: As, some: Any) -> None:
    client = as_("admin")
    assert client.post(f"{URL}/{some['billing'].pk}/acknowledge").status_code == 200
    for which in ("billing", "old"):
        answer = client.post(f"{URL}/{some[which].pk}/acknowledge")
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")


def test_the_same_idempotency_key_acknowledges_once(as_: As, some: Any) -> None:
    client, path = as_("admin"), f"{URL}/{some['billing'].pk}/acknowledge"
    sent = {"note": "On it"}
    first = client.post(path, sent, format="json", headers={"Idempotency-Key": "k-1"})
    again = client.post(path, sent, format="json", headers={"Idempotency-Key": "k-1"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json() and again["Idempotency-Replayed"] == "true"
    other = client.post(path, {"note": "Else"}, format="json", headers={"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")
    assert AuditEntry.objects.filter(action="alert.acknowledge").count() == 1


def test_a_misspelt_field_is_refused(as_: As, some: Any) -> None:
    answer = as_("admin").post(f"{URL}/{some['billing'].pk}/acknowledge", {"not": "x"}, format="json")
    assert answer.status_code == 422
    assert Alert.objects.get(pk=some["billing"].pk).acknowledged_at is None


def test_times_are_utc_with_milliseconds(as_: As, some: Any) -> None:
    at = clock.now() - timedelta(hours=1)
    told = as_("admin").get(f"{URL}/{alert('mean_wait', opened_at=at).pk}").json()
    assert told["opened_at"] == at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
