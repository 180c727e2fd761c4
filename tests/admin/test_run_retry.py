"""Dead runs retried by the many in the admin: those that are ticked, all under the filters, all dead ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from queues import registry
from queues.engine import bulk
from queues.ledger import clock
from queues.models import AuditEntry, JobDefinition, Run

LIST, ALL = "/admin/queues/run/", "/admin/queues/run/retry-dead/"
ACROSS = {"action": "retry_selected", "select_across": "1", "index": "0"}


@pytest.fixture(autouse=True)
def no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queues.engine.bulk.release_runs", lambda pairs, **how: 0)


def pins(page: Any) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(until|expected)" value="([^"]*)">', page.content.decode()))


def pending() -> set[Any]:
    return set(Run.objects.filter(state="pending").values_list("pk", flat=True))


def ticked(*rows: Run) -> dict[str, Any]:
    return {**ACROSS, "select_across": "0", "_selected_action": [str(row.pk) for row in rows]}


def test_the_button_stands_on_the_dead_tab_with_the_present_filters(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    run("dead")
    browser = as_("manager")
    page = browser.get(LIST, {"state": "dead", "queue": "route-optimization", "p": "1"}).content.decode()
    (address,) = re.findall(r'id="retry-dead" href="([^"]*)"', page)
    assert address.replace("&amp;", "&") == f"{ALL}?queue=route-optimization&state=dead"
    for other in ({}, {"state": "pending"}, {"state": "dead", "queue": "billing"}):
        assert "retry-dead" not in browser.get(LIST, other).content.decode(), other


def test_all_dead_ones_are_counted_first_and_go_back_as_they_were_counted(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    dead, others = [run("dead"), run("dead")], [run("cancelled"), run("dead", queue="notifications")]
    browser, address = as_("manager"), f"{ALL}?state=dead"
    question = browser.get(address)
    text = question.content.decode()
    assert "2 of the 3 chosen runs" in text and "Plan a day: 2 dead" in text
    assert "Say why" in browser.post(address, {**pins(question), "why": ""}).content.decode()
    late = run("dead", finished_at=clock.now())
    told = browser.post(address, {**pins(question), "why": "The store is back"}, follow=True)
    assert "2 runs put back into their queues." in told.content.decode()
    assert told.redirect_chain[-1][0] == f"{LIST}?state=dead"
    assert pending() == {row.pk for row in dead}
    assert {row.pk for row in (*others, late)}.isdisjoint(pending())
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after["count"]) == ("run.retry_many", 2)
    assert set(entry.after["queues"]) == {"billing", "data-sync", "route-optimization", "reports"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"plain", "defined", "old", "alias", "billing"}),
        ("queue=billing", {"billing"}),
        ("queue=notifications", set()),
        ("job=tests.admin_plan", {"plain", "defined", "old", "alias"}),
        ("definition={definition}", {"defined"}),
        ("definition=999999", set()),
        ("created=1h", {"plain", "defined", "alias", "billing"}),
        ("q=Nightly", {"defined"}),
        ("q=nosuch", set()),
    ],
)
def test_every_filter_of_the_list_means_the_same_here(
    as_: Callable[[str], Client], run: Callable[..., Run], query: str, found: set[str]
) -> None:
    registry.get("tests.admin_plan").aliases = ("tests.plan_once",)
    nightly = JobDefinition.objects.create(name="Nightly", job="tests.admin_plan")
    made = {
        "plain": run("dead", definition=None),
        "defined": run("dead", definition=nightly),
        "old": run("dead", definition=None, created_at=clock.now() - timedelta(hours=2)),
        "alias": run("dead", definition=None, job="tests.plan_once"),
        "billing": run("dead", definition=None, queue="billing", job="tests.admin_invoice"),
        "foreign": run("dead", definition=None, queue="notifications"),
    }
    browser, address = as_("manager"), f"{ALL}?state=dead&{query.format(definition=nightly.pk)}"
    shown: Any = browser.get(address.replace("retry-dead/", ""))
    mine = {row.pk for row in shown.context["cl"].result_list} - {made["foreign"].pk}
    assert mine == {made[name].pk for name in found}
    browser.post(address, {**pins(browser.get(address)), "why": "?"})
    assert pending() == mine


def test_without_a_count_nothing_is_limited_but_nothing_else_is_taken(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    row = run("dead")
    as_("manager").post(f"{ALL}?state=dead", {"why": "?"})
    assert pending() == {row.pk}


def test_it_is_for_those_who_operate_a_queue(as_: Callable[[str], Client], run: Callable[..., Run]) -> None:
    mine, foreign = run("dead"), run("dead", queue="billing")
    browser = as_("dispatcher")
    browser.post(f"{ALL}?state=dead", {"why": "?"})
    assert pending() == {mine.pk}
    assert "None of these runs is dead and yours to retry" in browser.get(f"{ALL}?queue=billing").content.decode()
    assert as_("customer").get(ALL).status_code == 302
    assert Run.objects.get(pk=foreign.pk).state == "dead"


def test_ticked_ones_with_a_live_key_are_left_alone_and_told(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    run("pending", dedupe_key="day:1")
    rows = [run("dead"), run("dead", dedupe_key="day:1"), run("cancelled")]
    browser = as_("manager")
    question = browser.post(LIST, ticked(*rows))
    body = {**ticked(*rows), **pins(question), "sure": "yes", "why": "Back"}
    told = browser.post(LIST, body, follow=True).content.decode()
    assert "2 runs put back into their queues." in told
    assert "1 was left alone: a live run has the same dedupe key." in told


def test_all_under_the_filters_over_a_thousand_go_by_a_run(
    as_: Callable[[str], Client], run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    rows = [run("dead"), run("dead"), run("cancelled"), run("succeeded")]
    browser, address = as_("manager"), f"{LIST}?queue=route-optimization"
    body = {**ACROSS, "_selected_action": [str(rows[0].pk)]}
    question = browser.post(address, body)
    assert "3 of the 4 chosen runs" in question.content.decode()
    answer: Any = browser.post(address, {**body, **pins(question), "sure": "yes", "why": "Back"}, follow=True)
    doing = Run.objects.get(job="queues.retry_failed")
    assert answer.redirect_chain[-1][0] == f"/admin/queues/run/{doing.pk}/change/"
    assert (doing.params["queues"], doing.params["limit"]) == (["route-optimization"], 3)
    assert set(doing.params["states"]) == {"dead", "cancelled"}
    assert doing.actor == "manager"
    assert not pending() - {doing.pk}


def test_what_is_searched_for_goes_a_thousand_at_a_time(
    as_: Callable[[str], Client], run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    rows = [run("dead") for _ in range(3)]
    browser, address = as_("manager"), f"{ALL}?state=dead&q=did+not+answer"
    question = browser.get(address)
    assert "1 more after these" in question.content.decode()
    told = browser.post(address, {**pins(question), "why": "Back"}, follow=True).content.decode()
    assert "2 at a time: do it again for the rest, 1 more." in told
    assert pending() == {row.pk for row in rows[:2]}
