"""Runs in the admin: found, looked at, cancelled and retried, one and many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from queues.admin.access import readable_queues
from queues.admin.runs import RunAdmin
from queues.ledger import clock
from queues.ledger.requests import id_floor
from queues.models import AuditEntry, JobDefinition, Run, RunEvent, RunLogLine

from .conftest import INVOICE, PLAN

LIST = "/admin/queues/run/"


def shown(answer: Any) -> list[Any]:
    return [row.pk for row in answer.context["cl"].result_list]


def test_the_list_asks_the_same_number_of_queries_for_one_and_for_fifty(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    browser = as_("manager")
    run("succeeded")
    with CaptureQueriesContext(connection) as one:
        browser.get(LIST)
    for number in range(49):
        run(("succeeded", "dead", "running", "pending")[number % 4])
    with CaptureQueriesContext(connection) as fifty:
        answer = browser.get(LIST)
    assert len(shown(answer)) == 50 and len(fifty) == len(one) <= 16


def test_the_tabs_count_states_under_the_other_filters(as_: Callable[[str], Client], run: Callable[..., Run]) -> None:
    for state in ("dead", "dead", "succeeded"):
        run(state)
    run("dead", queue="billing", job="tests.admin_invoice")
    answer: Any = as_("manager").get(LIST, {"queue": "route-optimization", "state": "dead"})
    tabs = {tab["label"]: tab for tab in answer.context["state_tabs"]}
    assert (tabs["All"]["count"], tabs["Dead"]["count"], tabs["Succeeded"]["count"]) == ("3", "2", "1")
    assert (
        tabs["Dead"]["active"]
        and "queue=route-optimization" in tabs["Succeeded"]["url"]
        and "state" not in tabs["All"]["url"]
    )
    assert len(shown(answer)) == 2


def test_the_search_finds_ids_titles_errors_and_keys(as_: Callable[[str], Client], run: Callable[..., Run]) -> None:
    browser = as_("manager")
    dead, keyed = (
        run("dead"),
        run("pending", dedupe_key="depot:MAIN", job="tests.admin_invoice", queue="billing", definition=None),
    )
    for term, found in [
        (str(dead.pk), dead), (str(dead.pk)[-12:], dead), ("did not answer", dead), ("plan a day", dead), ("Tomorrow", dead),
        ("depot:MAIN", keyed), ("invoice a month", keyed),
    ]:  # fmt: skip
        assert shown(browser.get(LIST, {"q": term})) == [found.pk], term
    assert "Nothing matches" in browser.get(LIST, {"q": "nosuch"}).content.decode()


def test_a_live_run_is_polled_and_a_finished_one_is_not(as_: Callable[[str], Client], run: Callable[..., Run]) -> None:
    browser = as_("manager")
    live, done = run("running"), run("succeeded", result={"plan": 7})
    page = browser.get(f"{LIST}{live.pk}/live/").content.decode()
    assert 'hx-trigger="every 1s"' in page and 'value="0.2500"' in page and "stop 3" in page and "<html" not in page
    page = browser.get(f"{LIST}{done.pk}/live/").content.decode()
    assert "hx-trigger" not in page and 'href="/plans/7/"' in page


def test_a_dead_run_tells_its_error_attempts_log_and_folded_traceback(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    dead = run("dead")
    RunEvent.objects.create(
        run=dead, at=dead.finished_at, kind="failed", attempt=1, note="The store <did> not answer", data={}
    )
    RunLogLine.objects.create(
        run=dead, at=dead.started_at, attempt=1, level="warning", message="<script>alert(1)</script>"
    )
    page = as_("manager").get(f"{LIST}{dead.pk}/change/").content.decode()
    assert "The store did not answer." in page and "<details" in page and "Traceback: somewhere" in page
    assert "Attempt failed for good" in page and "<script>alert(1)</script>" not in page and "&lt;script&gt;" in page


def test_a_pending_run_says_why_it_waits(as_: Callable[[str], Client], run: Callable[..., Run]) -> None:
    page = as_("manager").get(f"{LIST}{run('pending').pk}/change/").content.decode()
    assert "No worker serves Route optimisation" in page


@pytest.mark.parametrize(
    ("verb", "before", "after"), [("cancel", "pending", "cancelled"), ("retry", "dead", "pending")]
)
def test_a_verb_asks_and_then_acts_audited(
    as_: Callable[[str], Client], run: Callable[..., Run], verb: str, before: str, after: str
) -> None:
    one, browser = run(before), as_("manager")
    assert browser.get(f"{LIST}{one.pk}/{verb}/").status_code == 200
    one.refresh_from_db()
    assert one.state == before
    assert browser.post(f"{LIST}{one.pk}/{verb}/", {"why": "Wrong day"}).status_code == 302
    one.refresh_from_db()
    assert one.state == after
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.why) == (f"run.{verb}", "manager", "Wrong day")


def test_a_verb_that_does_not_apply_says_so(as_: Callable[[str], Client], run: Callable[..., Run]) -> None:
    page = as_("manager").post(f"{LIST}{run('succeeded').pk}/retry/", {"why": ""}, follow=True).content.decode()
    assert "only dead and cancelled runs can be retried" in page


def test_a_bulk_retry_counts_first_and_leaves_the_others_alone(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    dead, done = [run("dead"), run("dead")], run("succeeded")
    foreign = run("dead", queue="notifications")
    chosen = {
        "action": "retry_selected",
        "_selected_action": [str(r.pk) for r in (*dead, done, foreign)],
        "index": "0",
        "select_across": "0",
    }
    browser = as_("manager")
    question = browser.post(LIST, chosen).content.decode()
    assert "2 of the 4 chosen runs" in question and Run.objects.filter(state="pending").count() == 0
    answer = browser.post(LIST, {**chosen, "sure": "yes", "why": "The store is back"}, follow=True).content.decode()
    assert "2 runs put back into their queues" in answer and "2 were left alone" in answer
    assert set(Run.objects.filter(state="pending").values_list("pk", flat=True)) == {r.pk for r in dead}
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.why, entry.after["count"]) == ("run.retry_many", "The store is back", 2)
    assert set(entry.after["ids"]) == {str(r.pk) for r in dead}


def test_a_run_that_is_gone_says_so(as_: Callable[[str], Client]) -> None:
    assert as_("manager").get(f"{LIST}01a20788-dada-73c9-85d2-968ede186239/change/").status_code == 404
    assert as_("manager").get(f"{LIST}nonsense/change/").status_code == 404


# --- the list's pages, by the strands of an index ---


@pytest.fixture
def many(run: Callable[..., Run]) -> list[Run]:
    """Of two queues, two jobs and every state, in turns that do not fall together; newest last."""
    states = ("succeeded", "dead", "succeeded", "pending", "cancelled", "succeeded", "scheduled")
    kinds = (("route-optimization", PLAN), ("billing", INVOICE), ("route-optimization", PLAN))
    made = []
    for number in range(64):
        queue, job = kinds[number % 3]
        made.append(run(states[number % 7], queue=queue, job=job))
    return made


@pytest.fixture
def five_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunAdmin, "list_per_page", 5)
    monkeypatch.setattr(RunAdmin, "list_max_show_all", 200)


@pytest.mark.parametrize(
    "asked",
    [
        {}, {"queue": "billing"}, {"job": PLAN}, {"state": "succeeded"}, {"state": "dead", "queue": "billing"}, {"state": "succeeded", "job": PLAN},
        {"job": INVOICE, "queue": "route-optimization"}, {"queue": "nosuch"}, {"queue": "route-optimization", "created": "1h"},
        {"job": PLAN, "created": "24h"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", ["", "5"])
@pytest.mark.parametrize("role", ["manager", "dispatcher"])
def test_the_pages_of_a_filtered_list_hold_each_run_once_in_order(
    as_: Callable[[str], Client], many: list[Run], five_a_page: None, asked: dict[str, str], order: str, role: str
) -> None:
    browser = as_(role)
    readable = readable_queues(User.objects.get(username=role))
    expected = [
        run.pk
        for run in (many if order else reversed(many))
        if run.queue in readable and all(getattr(run, name) == value for name, value in asked.items() if name != "created")
    ]  # fmt: skip
    found, page = list[Any](), 1
    while len(found) < len(expected):
        answer: Any = browser.get(LIST, {**asked, **({"o": order} if order else {}), "p": page})
        part = shown(answer)
        assert part, "a page between others is never empty"
        found, page = found + part, page + 1
    assert found == expected
    assert shown(browser.get(LIST, {**asked, **({"o": order} if order else {}), "all": ""})) == expected


def test_a_page_of_a_filtered_list_is_looked_for_by_strands_in_one_query_more(
    as_: Callable[[str], Client], many: list[Run], five_a_page: None
) -> None:
    browser = as_("manager")
    browser.get(LIST)  # who has just signed in is written down
    with CaptureQueriesContext(connection) as plain:
        browser.get(LIST)
    for asked in ({"queue": "billing", "p": 2}, {"job": PLAN, "p": 3}, {"state": "succeeded", "o": "5"}):
        with CaptureQueriesContext(connection) as filtered:
            browser.get(LIST, asked)
        assert len(filtered) == len(plain) + 1, asked
        assert len(by_strands(filtered)) == 1, asked
    for asked in ({}, {"q": "Plan a day"}, {"queue": "billing", "o": "4"}):
        with CaptureQueriesContext(connection) as others:
            browser.get(LIST, asked)
        assert by_strands(others) == [], asked


def by_strands(seen: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in seen.captured_queries if "WITH RECURSIVE" in query["sql"]]


def test_the_time_created_filter_leaves_out_what_is_older(
    as_: Callable[[str], Client], run: Callable[..., Run], definition: JobDefinition
) -> None:
    now, made = clock.now(), {}
    for hours in (0.5, 2, 23, 30, 24 * 8):
        at = now - timedelta(hours=hours)
        made[hours] = run("succeeded", id=id_floor(at), created_at=at).pk
    wrong = run("succeeded", id=id_floor(now - timedelta(hours=20)), created_at=now - timedelta(minutes=5)).pk
    browser = as_("manager")
    assert set(shown(browser.get(LIST, {"created": "1h"}))) == {made[0.5], wrong}, (
        "the ledger's time decides, not the id"
    )
    assert set(shown(browser.get(LIST, {"created": "24h"}))) == {made[0.5], made[2], made[23], wrong}
    assert len(shown(browser.get(LIST, {"created": "7d"}))) == 5
