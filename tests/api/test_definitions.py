"""/api/v1/definitions: made, read, changed, removed and run, by whom the queue of its job is open to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from queues import policy
from queues.api import definition_serializers as bodies
from queues.models import AuditEntry, JobDefinition, Run, Schedule

pytestmark = pytest.mark.django_db
URL = "/api/v1/definitions"


@pytest.fixture
def made(jobs: dict[str, str]) -> Callable[..., JobDefinition]:
    def make(queue: str = "billing", **values: Any) -> JobDefinition:
        row = {"name": f"Of {queue}", "job": jobs[queue], "params": {"tons": 3, "note": ""}, **values}
        return JobDefinition.objects.create(**row)

    return make


@pytest.fixture
def manager(as_: Callable[[str], APIClient]) -> APIClient:
    return as_("manager")


def tag(client: APIClient, row: Any) -> str:
    return str(client.get(f"{URL}/{row.pk}")["ETag"])


class TestMaking:
    def test_a_definition_is_made_and_audited(self, manager: APIClient, jobs: Any) -> None:
        body = {"name": "Bill all", "job": "tests.bill", "params": {"tons": 4}, "timeout_s": 60, "why": "New month"}
        answer = manager.post(URL, body, format="json")
        assert answer.status_code == 201
        told = answer.json()
        assert answer["Location"] == told["url"] == f"{URL}/{told['id']}"
        assert (told["queue"], told["params"], told["priority"]) == ("billing", {"tons": 4, "note": ""}, None)
        read = manager.get(answer["Location"])
        assert (read.json(), read["ETag"]) == (told, answer["ETag"])
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.source, entry.why) == (
            "definition.create", "manager", "api", "New month",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"params": {"tons": -1}}, "params.tons"),
            ({"params": {"tonnes": 1}}, "params.tons"),
            ({"params": []}, "params"),
            ({"name": ""}, "name"),
            ({"name": "Taken"}, "name"),
            ({"timeout_s": 0}, "timeout_s"),
            ({"priority": 101}, "priority"),
            ({"prio": 1}, "prio"),
        ],
    )
    def test_a_wrong_value_names_its_field(
        self, manager: APIClient, made: Callable[..., Any], body: dict[str, Any], field: str
    ) -> None:
        made(name="Taken")
        whole = {"name": "Bill all", "job": "tests.bill", "params": {"tons": 4}, **body}
        answer = manager.post(URL, whole, format="json")
        assert answer.status_code == 422
        assert field in [each["field"] for each in answer.json()["errors"]]
        assert JobDefinition.objects.count() == 1

    def test_a_job_of_a_queue_that_is_closed_to_the_user_is_refused(self, as_: Any, jobs: Any) -> None:
        body = {"name": "Bill all", "job": "tests.bill", "params": {"tons": 4}}
        answer = as_("dispatcher").post(URL, body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert as_("dispatcher").post(URL, {**body, "job": "tests.weigh"}, format="json").status_code == 201

    def test_an_unknown_job_is_404(self, manager: APIClient, jobs: Any) -> None:
        answer = manager.post(URL, {"name": "x", "job": "tests.bil"}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")

    def test_a_replayed_key_answers_with_the_first_definition(self, manager: APIClient, jobs: Any) -> None:
        body, key = {"name": "Bill all", "job": "tests.bill", "params": {"tons": 4}}, {"Idempotency-Key": "k-1"}
        first = manager.post(URL, body, format="json", headers=key)
        again = manager.post(URL, body, format="json", headers=key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json() and again["Idempotency-Replayed"] == "true"
        assert JobDefinition.objects.count() == AuditEntry.objects.count() == 1
        other = manager.post(URL, {**body, "name": "Bill more"}, format="json", headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")
        JobDefinition.objects.all().delete()
        gone = manager.post(URL, body, format="json", headers=key)
        assert (gone.status_code, gone.content) == (201, first.content)

    def test_a_refused_definition_leaves_the_key_free(self, manager: APIClient, jobs: Any) -> None:
        body, key = {"name": "Bill all", "job": "tests.bill", "params": {"tons": -4}}, {"Idempotency-Key": "k-1"}
        assert manager.post(URL, body, format="json", headers=key).status_code == 422
        assert manager.post(URL, {**body, "params": {"tons": 4}}, format="json", headers=key).status_code == 201


class TestReading:
    def test_the_list_is_paged_and_filtered(self, manager: APIClient, made: Callable[..., Any]) -> None:
        for number in range(5):
            made(name=f"D{number}", enabled=number != 2)
        made("route-optimization", name="Weigh")
        first = manager.get(URL, {"limit": 2, "queue": "billing", "fields": "name,enabled"})
        assert first.json()["items"] == [{"name": "D0", "enabled": True}, {"name": "D1", "enabled": True}]
        assert first["Link"] == f'<{first.json()["next"]}>; rel="next"'
        JobDefinition.objects.filter(name="D0").delete()  # what goes meanwhile hides nothing
        seen, url = [], first.json()["next"]
        while url:
            page = manager.get(url)
            seen += [each["name"] for each in page.json()["items"]]
            url = page.json()["next"]
        assert seen == ["D2", "D3", "D4"] and "Link" not in page
        names = lambda **asked: [each["name"] for each in manager.get(URL, asked).json()["items"]]  # noqa: E731
        assert names(enabled="false") == ["D2"]
        assert names(job="tests.weigh") == ["Weigh"]
        assert names(text="weigh") == ["Weigh"]

    @pytest.mark.parametrize(
        ("asked", "field"),
        [
            ({"limit": 0}, "limit"), ({"limit": 201}, "limit"), ({"cursor": "x"}, "cursor"), ({"page": 2}, "page"),
            ({"cursor": "W251bGxd"}, "cursor"), ({"cursor": "WyJhIiwiYiJd"}, "cursor"), ({"fields": "nam"}, "fields"),
        ],
    )  # fmt: skip
    def test_a_wrong_question_names_its_field(self, manager: APIClient, asked: dict[str, Any], field: str) -> None:
        answer = manager.get(URL, asked)
        assert answer.status_code == 422 and [each["field"] for each in answer.json()["errors"]] == [field]

    def test_the_list_asks_the_same_number_of_queries_for_one_and_for_many(
        self, manager: APIClient, made: Callable[..., Any], django_assert_max_num_queries: Any
    ) -> None:
        for number in range(30):
            made(name=f"D{number}")
        with django_assert_max_num_queries(6):
            assert len(manager.get(URL).json()["items"]) == 30

    @pytest.mark.parametrize("who", ["customer", "driver", "nobody"])
    def test_who_sees_no_queue_sees_no_definition(self, as_: Any, made: Callable[..., Any], who: str) -> None:
        assert as_(who).get(URL).status_code == 403
        there, not_there = as_(who).get(f"{URL}/{made().pk}"), as_(who).get(f"{URL}/999")
        told = [{**each.json(), "instance": ""} for each in (there, not_there)]
        assert there.status_code == 404 and told[0] == told[1]

    def test_what_a_job_that_is_gone_left_is_seen_and_changed_by_nobody(self, as_: Any, made: Any) -> None:
        row, admin = made(job="tests.was_here_once"), as_("admin")
        assert admin.get(f"{URL}/{row.pk}").json()["queue"] is None
        headers = {"If-Match": tag(admin, row)}
        assert admin.patch(f"{URL}/{row.pk}", {"enabled": False}, format="json", headers=headers).status_code == 403
        assert admin.post(f"{URL}/{row.pk}/run", {}, format="json").status_code == 403


class TestChanging:
    def test_what_is_left_out_stays_and_null_puts_the_jobs_own_back(self, manager: APIClient, made: Any) -> None:
        row = made(max_attempts=3, priority=5)
        body = {"max_attempts": None, "enabled": False, "why": "Prices are wrong"}
        headers = {"If-Match": tag(manager, row)}
        answer = manager.patch(f"{URL}/{row.pk}", body, format="json", headers=headers)
        assert answer.status_code == 200
        told = answer.json()
        assert (told["max_attempts"], told["priority"], told["enabled"], told["version"]) == (None, 5, False, 2)
        assert answer["ETag"] == tag(manager, row) != headers["If-Match"]
        entry = AuditEntry.objects.get()
        assert entry.before == {"max_attempts": 3, "enabled": True} and entry.why == "Prices are wrong"

    @pytest.mark.parametrize(
        ("body", "field"),
        [({"job": "tests.weigh"}, "job"), ({"params": {"tons": 99}}, "params.tons"), ({"name": "Taken"}, "name")],
    )
    def test_a_wrong_change_changes_nothing(self, manager: APIClient, made: Any, body: Any, field: str) -> None:
        row = made()
        made(name="Taken")
        headers = {"If-Match": tag(manager, row)}
        answer = manager.patch(f"{URL}/{row.pk}", body, format="json", headers=headers)
        assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, [field])
        assert tag(manager, row) == headers["If-Match"] and not AuditEntry.objects.exists()

    def test_a_dispatcher_changes_no_billing_definition(self, as_: Any, made: Any) -> None:
        row, client = made(), as_("dispatcher")
        headers = {"If-Match": tag(client, row)}
        assert client.patch(f"{URL}/{row.pk}", {"enabled": False}, format="json", headers=headers).status_code == 403
        assert client.delete(f"{URL}/{row.pk}", headers=headers).status_code == 403
        assert client.post(f"{URL}/{row.pk}/run", {}, format="json").status_code == 403

    def test_every_field_that_can_be_written_is_in_the_policy(self) -> None:
        written = set(bodies.DefinitionChange().fields) | set(bodies.DefinitionRequest().fields)
        assert written - {"why", "job"} == set(policy.CHANGES["definition"])


class TestRemoving:
    def test_one_that_nothing_refers_to_is_removed_and_audited(self, manager: APIClient, made: Any) -> None:
        row = made()
        answer = manager.delete(f"{URL}/{row.pk}?why=A+mistake", headers={"If-Match": tag(manager, row)})
        assert answer.status_code == 204 and not JobDefinition.objects.exists()
        assert [(each.action, each.why) for each in AuditEntry.objects.all()] == [("definition.delete", "A mistake")]

    def test_one_with_runs_or_a_schedule_is_refused_with_what_to_do(
        self, manager: APIClient, made: Any, a_run: Callable[..., Run]
    ) -> None:
        row, other = made(), made(name="Other")
        a_run("billing", definition=row)
        Schedule.objects.create(name="Nightly", definition=other, cron="0 5 * * *")
        for each, word in ((row, "enabled: false"), (other, "its schedules first")):
            answer = manager.delete(f"{URL}/{each.pk}", headers={"If-Match": tag(manager, each)})
            assert (answer.status_code, answer.json()["code"]) == (409, "in_use") and word in answer.json()["detail"]
        assert JobDefinition.objects.count() == 2


class TestRunning:
    def test_it_is_run_with_parameters_over_its_own_and_once_a_key(
        self, manager: APIClient, made: Any, rung: list[Any]
    ) -> None:
        row, body, key = made(), {"params": {"note": "again"}, "why": "?"}, {"Idempotency-Key": "k-2"}
        answer = manager.post(f"{URL}/{row.pk}/run", body, format="json", headers=key)
        assert answer.status_code == 202 and answer["Location"] == answer.json()["url"]
        assert answer.json()["params"] == {"tons": 3, "note": "again"} and answer.json()["definition"] == row.name
        again = manager.post(f"{URL}/{row.pk}/run", body, format="json", headers=key)
        assert (again.json()["id"], Run.objects.count()) == (answer.json()["id"], 1)

    def test_one_that_is_off_is_409(self, manager: APIClient, made: Any, rung: list[Any]) -> None:
        answer = manager.post(f"{URL}/{made(enabled=False).pk}/run", {}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, "disabled")
