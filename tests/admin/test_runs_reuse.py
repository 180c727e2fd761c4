"""Reused results in the admin: said where they are shown, and made anew by whoever may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from queues import registry
from queues.engine import reuse_figures
from queues.ledger import clock
from queues.models import AuditEntry, JobDefinition, Run

from .conftest import PLAN

LIST = "/admin/queues/run/"
RIGHT = {"param_day": "2026-11-25", "param_depot": "EAST", "param_objective": "distance", "param_mood": "calm"}
KEY = "k" * 64


@pytest.fixture(autouse=True)
def reusable(jobs: None, settings: Any, monkeypatch: Any) -> None:
    settings.METRICS_ENABLED = False
    registry.get(PLAN).cache_ttl_s = 3600
    monkeypatch.setattr(reuse_figures, "answered_by", lambda run_id: 3)


@pytest.fixture
def run_now(as_: Callable[[str], Client], definition: JobDefinition) -> Callable[..., Any]:
    return lambda **values: as_("dispatcher").post(
        f"/admin/queues/jobdefinition/{definition.pk}/run/", {**RIGHT, **values}, follow=True
    )


def finish() -> None:
    Run.objects.update(state="succeeded", finished_at=clock.now() - timedelta(minutes=5), result={"plan": 7})


def test_run_now_leads_to_the_result_there_is_and_says_that_nothing_was_run(run_now: Callable[..., Any]) -> None:
    run_now()
    finish()
    answer = run_now()
    page, run = answer.content.decode(), Run.objects.get()
    assert answer.redirect_chain == [(f"{LIST}{run.pk}/change/", 302)]
    assert "Nothing was run: here is the result of the same request, made 5 min ago." in page
    assert f"{LIST}{run.pk}/anew/" in page


def test_run_now_leads_to_the_run_that_makes_the_result(run_now: Callable[..., Any]) -> None:
    run_now()
    assert "has a live run already, and may have one of the same parameters" in run_now().content.decode()
    assert Run.objects.count() == 1


def test_run_now_runs_it_anew_when_asked_to(run_now: Callable[..., Any]) -> None:
    run_now()
    finish()
    assert "is in the queue" in run_now(fresh="on").content.decode()
    assert Run.objects.count() == 2


def test_the_choice_is_shown_where_there_is_one(as_: Callable[[str], Client], definition: JobDefinition) -> None:
    browser, address = as_("dispatcher"), f"/admin/queues/jobdefinition/{definition.pk}/run/"
    assert 'name="fresh"' in browser.get(address).content.decode()
    JobDefinition.objects.update(cache_ttl_s=0)
    assert 'name="fresh"' not in browser.get(address).content.decode()
    assert browser.post(address, RIGHT).status_code == 302


def test_a_runs_page_tells_whom_its_result_answered_and_until_when(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    page = as_("manager").get(f"{LIST}{run('succeeded', cache_key=KEY).pk}/change/").content.decode()
    assert "Answered 3 further requests." in page and "Answers the same request until" in page and "Run it anew" in page
    old = run("succeeded", cache_key=KEY, finished_at=clock.now() - timedelta(hours=2), result={"plan": 7})
    page = as_("manager").get(f"{LIST}{old.pk}/change/").content.decode()
    assert "Answered 3 further requests." in page and "Answers the same request until" not in page


def test_a_runs_page_says_nothing_of_it_where_nothing_is_reused(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    page = as_("manager").get(f"{LIST}{run('succeeded', result={'plan': 7}).pk}/change/").content.decode()
    assert "further request" not in page and "Run it anew" not in page and "Answers the same" not in page


def test_a_runs_page_does_not_show_the_key_that_reuse_gave_it(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    page = as_("manager").get(f"{LIST}{run('pending', dedupe_key=f'cache:{KEY}').pk}/change/").content.decode()
    assert "Unique by" not in page
    page = as_("manager").get(f"{LIST}{run('pending', dedupe_key='depot:MAIN').pk}/change/").content.decode()
    assert "depot:MAIN" in page


@pytest.mark.parametrize("from_definition", [True, False])
def test_running_it_anew_asks_and_then_makes_a_run_of_the_same_work(
    as_: Callable[[str], Client], run: Callable[..., Run], from_definition: bool
) -> None:
    done = run("succeeded", cache_key=KEY, **({} if from_definition else {"definition": None}))
    address, browser = f"{LIST}{done.pk}/anew/", as_("manager")
    assert "Run this anew" in browser.get(address).content.decode() and Run.objects.count() == 1
    answer: Any = browser.post(address, {"why": "The roads are free again"})
    made = Run.objects.exclude(pk=done.pk).get()
    assert answer.url == f"{LIST}{made.pk}/change/"
    assert (made.job, made.params["depot"], made.definition) == (PLAN, "MAIN", done.definition)
    assert made.cache_key and made.actor == "manager"
    assert AuditEntry.objects.get().why == "The roads are free again"


def test_running_it_anew_is_for_those_who_may_run_it(as_: Callable[[str], Client], run: Callable[..., Run]) -> None:
    done = run("succeeded", cache_key=KEY, queue="billing", job="tests.admin_invoice", definition=None)
    assert as_("dispatcher").post(f"{LIST}{done.pk}/anew/").status_code in (403, 404)
    assert Run.objects.count() == 1


def test_what_cannot_be_run_anew_says_why(as_: Callable[[str], Client], run: Callable[..., Run]) -> None:
    done = run("succeeded", cache_key=KEY)
    JobDefinition.objects.update(enabled=False)
    page = as_("manager").post(f"{LIST}{done.pk}/anew/", {"why": ""}, follow=True).content.decode()
    assert "switched off" in page and Run.objects.count() == 1


def test_a_definitions_page_tells_and_takes_how_long_results_are_reused(
    as_: Callable[[str], Client], definition: JobDefinition
) -> None:
    page = as_("manager").get(f"/admin/queues/jobdefinition/{definition.pk}/change/").content.decode()
    assert "results reused for 1 h" in page and 'name="cache_ttl_s"' in page
