"""/api/v1/schedules: made, read, changed, paused and removed; and when they fire next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from queues import policy
from queues.api import schedule_serializers as bodies
from queues.ledger import clock
from queues.models import AuditEntry, Fire, JobDefinition, Run, Schedule

pytestmark = pytest.mark.django_db
URL = "/api/v1/schedules"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CRON = {
    "name": "Nightly",
    "definition": "Bill all",
    "kind": "cron",
    "cron": "30 5 * * 1-5",
    "timezone": "Europe/Berlin",
}


@pytest.fixture(autouse=True)
def definition(jobs: dict[str, str], db: None) -> JobDefinition:
    return JobDefinition.objects.create(name="Bill all", job=jobs["billing"], params={"tons": 3, "note": ""})


@pytest.fixture
def manager(as_: Callable[[str], APIClient]) -> APIClient:
    return as_("manager")


@pytest.fixture
def made(manager: APIClient) -> Callable[..., Schedule]:
    def make(**values: Any) -> Schedule:
        answer = manager.post(URL, {**CRON, **values}, format="json")
        assert answer.status_code == 201, answer.json()
        return Schedule.objects.get(pk=answer.json()["id"])

    return make


def tag(client: APIClient, row: Any) -> str:
    return str(client.get(f"{URL}/{row.pk}")["ETag"])


class TestMaking:
    def test_a_schedule_is_made_audited_and_told_in_words(self, manager: APIClient) -> None:
        with clock.frozen(NOON):
            answer = manager.post(URL, {**CRON, "params": {"tons": 7}, "why": "Each day"}, format="json")
        told = answer.json()
        assert (answer.status_code, answer["Location"]) == (201, told["url"])
        assert (told["definition"], told["queue"], told["state"]) == ("Bill all", "billing", "on")
        assert told["in_words"] == "At 05:30, Monday through Friday (Europe/Berlin)"
        read = manager.get(told["url"])
        assert (read.json(), read["ETag"]) == (told, answer["ETag"])
        row = Schedule.objects.get()
        assert row.next_fire_at == datetime(2026, 11, 24, 4, 30, tzinfo=UTC) and row.params == {"tons": 7}
        assert AuditEntry.objects.get().action == "schedule.create"

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"cron": "61 * * * *"}, "cron"),
            ({"timezone": "Europe/Berlyn"}, "timezone"),
            ({"kind": "interval"}, "interval_s"),
            ({"kind": "once", "run_at": "2026-11-23T11:00:00Z"}, "run_at"),
            ({"kind": "once", "run_at": "2026-11-24T11:00:00"}, "run_at"),
            ({"kind": "weekly"}, "kind"),
            ({"params": {"tons": -1}}, "params"),
            ({"starts_at": "2026-12-02T00:00:00Z", "ends_at": "2026-12-01T00:00:00Z"}, "ends_at"),
            ({"overlap": "dance"}, "overlap"),
            ({"zone": "UTC"}, "zone"),
        ],
    )
    def test_a_wrong_value_names_its_field(self, manager: APIClient, body: dict[str, Any], field: str) -> None:
        with clock.frozen(NOON):
            answer = manager.post(URL, {**CRON, **body}, format="json")
        assert answer.status_code == 422 and [each["field"] for each in answer.json()["errors"]] == [field]
        assert not Schedule.objects.exists()

    def test_a_definition_that_is_none_or_closed_is_refused(self, manager: APIClient, as_: Any) -> None:
        answer = manager.post(URL, {**CRON, "definition": "Bill al"}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_definition")
        assert as_("dispatcher").post(URL, CRON, format="json").status_code == 403

    def test_a_replayed_key_answers_with_the_first_schedule(self, manager: APIClient) -> None:
        first, again = (manager.post(URL, CRON, format="json", headers={"Idempotency-Key": "k"}) for _ in range(2))
        assert again.json() == first.json() and again["Idempotency-Replayed"] == "true"
        assert Schedule.objects.count() == 1


class TestReading:
    def test_the_list_tells_the_fires_too_and_is_filtered(self, manager: APIClient, made: Any) -> None:
        row, off = made(), made(name="Other", enabled=False)
        item = manager.get(URL, {"state": "on"}).json()["items"]
        assert [each["name"] for each in item] == ["Nightly"]
        assert item[0]["next_fire_at"] and item[0]["last_fire_at"] is None
        names = lambda **asked: [each["name"] for each in manager.get(URL, asked).json()["items"]]  # noqa: E731
        assert names(state="off") == names(text="other") == ["Other"]
        assert names(definition="Bill all") == names(queue="billing") == names(kind="cron") == ["Nightly", "Other"]
        assert names(queue="email") == names(state="paused") == []
        assert manager.get(URL, {"queue": "mail"}).status_code == 404
        assert {row.name, off.name} == set(names())

    @pytest.mark.parametrize("path", ["", "/next-fires"])
    def test_who_sees_no_queue_sees_no_schedule(self, as_: Any, made: Any, path: str) -> None:
        row = made()
        told = [{**as_("driver").get(f"{URL}/{pk}{path}").json(), "instance": ""} for pk in (row.pk, 999)]
        assert told[0] == told[1] and told[0]["status"] == 404

    def test_the_next_fires_come_in_utc_and_in_the_zone_asked_for(self, as_: Any, made: Any) -> None:
        with clock.frozen(NOON):
            row = made()
            url = f"{URL}/{row.pk}/next-fires"
            told = as_("dispatcher").get(url, {"count": 2, "tz": "America/New_York"}).json()
            whole = as_("dispatcher").get(url, {"count": 100}).json()
        assert told["timezone"] == "America/New_York" and told["state"] == "on"
        assert told["fires"] == [
            {"at": "2026-11-24T04:30:00.000Z", "local": "2026-11-23T23:30:00-05:00"},
            {"at": "2026-11-25T04:30:00.000Z", "local": "2026-11-24T23:30:00-05:00"},
        ]
        assert len(whole["fires"]) == 100 and whole["fires"][0]["local"] == "2026-11-24T05:30:00+01:00"

    @pytest.mark.parametrize(
        ("asked", "field"), [({"count": 0}, "count"), ({"count": 101}, "count"), ({"tz": "Mars"}, "tz")]
    )
    def test_a_wrong_question_names_its_field(self, manager: APIClient, made: Any, asked: Any, field: str) -> None:
        answer = manager.get(f"{URL}/{made().pk}/next-fires", asked)
        assert answer.status_code == 422 and [each["field"] for each in answer.json()["errors"]] == [field]


class TestChanging:
    def test_other_times_count_from_now(self, manager: APIClient, made: Any) -> None:
        with clock.frozen(NOON):
            row = made()
            body = {"kind": "interval", "interval_s": 900, "why": "More often"}
            headers = {"If-Match": tag(manager, row)}
            answer = manager.patch(f"{URL}/{row.pk}", body, format="json", headers=headers)
        assert (answer.status_code, answer.json()["in_words"], answer.json()["cron"]) == (200, "Every 15 minutes", "")
        row.refresh_from_db()
        assert row.next_fire_at == datetime(2026, 11, 23, 12, 15, tzinfo=UTC)
        assert answer["ETag"] == tag(manager, row)

    def test_one_that_is_switched_off_fires_no_more(self, manager: APIClient, made: Any) -> None:
        row = made()
        headers = {"If-Match": tag(manager, row)}
        answer = manager.patch(f"{URL}/{row.pk}", {"enabled": False}, format="json", headers=headers)
        assert answer.json()["state"] == "off"
        assert manager.get(f"{URL}/{row.pk}/next-fires").json()["fires"] == []

    def test_a_dispatcher_neither_changes_nor_pauses_a_billing_schedule(self, as_: Any, made: Any) -> None:
        row, client = made(), as_("dispatcher")
        headers = {"If-Match": tag(client, row)}
        assert client.patch(f"{URL}/{row.pk}", {"enabled": False}, format="json", headers=headers).status_code == 403
        assert client.delete(f"{URL}/{row.pk}", headers=headers).status_code == 403
        assert client.post(f"{URL}/{row.pk}/pause", {"why": "?"}, format="json").status_code == 403

    def test_every_field_that_can_be_written_is_in_the_policy(self) -> None:
        written = set(bodies.ScheduleChange().fields) | set(bodies.ScheduleRequest().fields)
        assert written - {"why", "definition"} == set(policy.CHANGES["schedule"])


class TestVerbs:
    def test_it_is_paused_with_a_reason_and_resumed(self, manager: APIClient, made: Any) -> None:
        url = f"{URL}/{made().pk}"
        assert manager.post(f"{url}/pause", {}, format="json").status_code == 422
        answer = manager.post(f"{url}/pause", {"why": "Holidays"}, format="json")
        told = answer.json()
        assert (told["state"], told["paused_by"], told["pause_reason"]) == ("paused", "manager", "Holidays")
        assert manager.get(url)["ETag"] == answer["ETag"]
        assert manager.post(f"{url}/pause", {"why": "Again"}, format="json").json()["code"] == "wrong_state"
        assert manager.post(f"{url}/resume", {}, format="json").json()["state"] == "on"
        assert manager.post(f"{url}/resume", {}, format="json").status_code == 409

    def test_a_replayed_pause_pauses_once(self, manager: APIClient, made: Any) -> None:
        url, key = f"{URL}/{made().pk}/pause", {"Idempotency-Key": "p-1"}
        codes = [manager.post(url, {"why": "?"}, format="json", headers=key).status_code for _ in range(2)]
        assert codes == [200, 200] and AuditEntry.objects.filter(action="schedule.pause").count() == 1


class TestFiring:
    def test_it_runs_now_outside_its_timetable_and_is_audited(self, manager: APIClient, made: Any, rung: Any) -> None:
        row = made(params={"tons": 9})
        manager.post(f"{URL}/{row.pk}/pause", {"why": "Holidays"}, format="json")
        before = Schedule.objects.get()
        answer = manager.post(f"{URL}/{row.pk}/fire", {"why": "It was missed"}, format="json")
        told = answer.json()
        assert (answer.status_code, answer["Location"]) == (202, told["url"])
        assert (told["schedule"], told["params"]["tons"], told["state"]) == (row.name, 9, "pending")
        entries = AuditEntry.objects.filter(action__in=("schedule.fire", "run.enqueue"))
        assert {(entry.action, entry.why) for entry in entries} == {
            ("schedule.fire", "It was missed"),
            ("run.enqueue", "It was missed"),
        }
        assert entries.get(action="schedule.fire").after == {"run": told["id"]}
        assert (Fire.objects.count(), Schedule.objects.get().next_fire_at) == (0, before.next_fire_at)

    def test_a_replayed_one_fires_once(self, manager: APIClient, made: Any, rung: Any) -> None:
        url, key = f"{URL}/{made().pk}/fire", {"Idempotency-Key": "f-1"}
        first, again = (manager.post(url, {}, format="json", headers=key) for _ in range(2))
        assert (again.content, Run.objects.count()) == (first.content, 1)

    def test_one_whose_definition_is_off_is_409(self, manager: APIClient, made: Any) -> None:
        row = made()
        JobDefinition.objects.update(enabled=False)
        answer = manager.post(f"{URL}/{row.pk}/fire", {}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, "disabled")
        assert not AuditEntry.objects.filter(action="schedule.fire").exists()

    def test_who_may_not_run_its_job_may_not_fire_it(self, as_: Any, made: Any) -> None:
        row = made()
        assert as_("dispatcher").post(f"{URL}/{row.pk}/fire", {}, format="json").status_code == 403
        assert as_("driver").post(f"{URL}/{row.pk}/fire", {}, format="json").status_code == 404


class TestRemoving:
    def test_one_that_has_started_nothing_is_removed(self, manager: APIClient, made: Any) -> None:
        row = made()
        Fire.objects.create(schedule=row, fire_at=NOON, outcome="missed", created_at=NOON)
        assert manager.delete(f"{URL}/{row.pk}", headers={"If-Match": tag(manager, row)}).status_code == 204
        assert not Schedule.objects.exists() and AuditEntry.objects.filter(action="schedule.delete").exists()

    def test_one_that_has_started_runs_is_refused_with_what_to_do(
        self, manager: APIClient, made: Any, a_run: Callable[..., Run]
    ) -> None:
        row = made()
        a_run("billing", schedule=row)
        answer = manager.delete(f"{URL}/{row.pk}", headers={"If-Match": tag(manager, row)})
        assert (answer.status_code, answer.json()["code"]) == (409, "in_use") and "pause it" in answer.json()["detail"]
