"""POST jobs for a reusable result: the answer says that nothing was run, and `fresh` has it run all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from queues import registry
from queues.ledger import clock
from queues.models import JobDefinition, Run

pytestmark = pytest.mark.django_db
URL = "/api/v1/queue/jobs"
BODY = {"job": "tests.weigh", "params": {"tons": 7}}


@pytest.fixture
def ask(as_: Callable[[str], APIClient], jobs: Any, rung: Any, settings: Any) -> Callable[..., Any]:
    settings.METRICS_ENABLED = False
    registry.get("tests.weigh").cache_ttl_s = 3600

    def post(body: Any, **headers: str) -> Any:
        return as_("dispatcher").post(URL, body, format="json", headers=headers)

    return post


def end(told: dict[str, Any]) -> None:
    Run.objects.filter(pk=told["id"]).update(state="succeeded", finished_at=clock.now(), result={"tons": 7})


def test_a_repeat_is_answered_with_the_finished_run_and_says_so(ask: Callable[..., Any]) -> None:
    first = ask(BODY).json()
    end(first)
    answer = ask(BODY)
    again = answer.json()
    assert answer.status_code == 202 and answer["Location"] == first["url"]
    assert (again["id"], again["state"], again["result"]) == (first["id"], "succeeded", {"tons": 7})
    assert (first["cached"], again["cached"]) == (False, True)


def test_a_repeat_meanwhile_is_answered_with_the_live_run(ask: Callable[..., Any]) -> None:
    first, again = ask(BODY).json(), ask(BODY).json()
    assert again["id"] == first["id"] and again["cached"] is False


def test_the_key_that_makes_it_one_run_is_not_told_as_a_clients_own(ask: Callable[..., Any]) -> None:
    assert ask(BODY).json()["dedupe_key"] is None
    assert ask({**BODY, "params": {"tons": 8}, "dedupe_key": "mine"}).json()["dedupe_key"] == "mine"


def test_fresh_runs_it_anew(ask: Callable[..., Any]) -> None:
    first = ask(BODY).json()
    end(first)
    again = ask({**BODY, "fresh": True}).json()
    assert (again["state"], again["cached"]) == ("pending", False) and again["id"] != first["id"]
    assert ask({**BODY, "fresh": False}).json()["id"] == first["id"]


def test_fresh_is_a_yes_or_no(ask: Callable[..., Any]) -> None:
    answer = ask({**BODY, "fresh": "perhaps"})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "fresh"


def test_a_definition_may_say_never(ask: Callable[..., Any]) -> None:
    JobDefinition.objects.create(name="Weigh all", job="tests.weigh", params={"tons": 7}, cache_ttl_s=0)
    first = ask({"definition": "Weigh all"}).json()
    end(first)
    assert ask({"definition": "Weigh all"}).json()["id"] != first["id"]


def test_a_request_sent_again_gets_its_first_answer_also_when_a_result_gave_it(ask: Callable[..., Any]) -> None:
    first = ask(BODY).json()
    end(first)
    told = [ask(BODY, **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.json()["id"] for answer in told] == [first["id"]] * 2
    assert [answer.headers.get("Idempotency-Replayed") for answer in told] == [None, "true"]
