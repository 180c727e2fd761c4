"""Queues drained, cleaned, paused and resumed in the admin, one and all."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from queues import catalogue
from queues.engine import bulk
from queues.ledger import clock
from queues.ledger.queue_settings import all_effective, effective
from queues.models import AuditEntry, Queue, Run

LIST = "/admin/queues/queue/"
CLEAN = f"{LIST}route-optimization/clean/"


@pytest.fixture(autouse=True)
def no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queues.engine.bulk.release_runs", lambda pairs, **how: 0)


def hidden(page: Any) -> dict[str, str]:
    """The values that a page's form sends back beside what one writes."""
    return dict(re.findall(r'<input type="hidden" name="(until|expected)" value="([^"]*)">', page.content.decode()))


def test_a_queue_is_drained_with_a_reason_and_shown_so_with_who_and_why(as_: Callable[[str], Client]) -> None:
    browser = as_("admin")
    refused: Any = browser.post(f"{LIST}billing/drain/", {"why": ""})
    assert "Say why" in refused.content.decode()
    browser.post(f"{LIST}billing/drain/", {"why": "Month's end"})
    assert effective("billing").draining
    for page in (LIST, f"{LIST}billing/change/", "/admin/"):
        text = browser.get(page).content.decode()
        assert "Draining" in text and "Month&#x27;s end" in text and "admin" in text, page
    again: Any = browser.post(f"{LIST}billing/drain/", {"why": "Again"})
    assert "draining already" in again.content.decode()
    browser.post(f"{LIST}billing/resume/", {"why": ""})
    assert not effective("billing").draining
    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == ["queue.drain", "queue.resume"]


def test_the_buttons_are_those_that_make_sense_now(as_: Callable[[str], Client]) -> None:
    browser = as_("admin")

    def verbs() -> list[str]:
        return re.findall(r'href="/admin/queues/queue/billing/(\w+)/"', browser.get(LIST).content.decode())

    assert verbs() == ["change", "pause", "drain", "clean"]
    browser.post(f"{LIST}billing/drain/", {"why": "Month's end"})
    assert verbs() == ["change", "resume", "pause", "clean"]
    browser.post(f"{LIST}billing/pause/", {"why": "Prices are wrong", "until": ""})
    assert verbs() == ["change", "resume", "clean"]
    text = as_("manager").get(LIST).content.decode()
    assert "/pause/" not in text and "Pause all" not in text


def test_all_queues_are_paused_and_resumed_and_it_is_told_which_were_so(as_: Callable[[str], Client]) -> None:
    browser = as_("admin")
    browser.post(f"{LIST}billing/pause/", {"why": "Prices are wrong", "until": ""})
    assert "Workers take nothing more at all" in browser.get(f"{LIST}all/pause/").content.decode()
    told = browser.post(f"{LIST}all/pause/", {"why": "The database moves", "until": ""}, follow=True).content.decode()
    assert "7 queues are paused." in told and "1 was paused already, with reasons of their own." in told
    assert all(queue.paused for queue in all_effective().values())
    assert Queue.objects.get(pk="billing").pause_reason == "Prices are wrong"
    told = browser.post(f"{LIST}all/resume/", {"why": ""}, follow=True).content.decode()
    assert f"{len(catalogue.NAMES)} queues are resumed." in told
    assert browser.get(f"{LIST}all/drain/").status_code == 404


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 403), ("dispatcher", 403)])
@pytest.mark.parametrize("page", ["billing/drain/", "billing/clean/", "all/pause/", "all/resume/"])
def test_steering_is_for_administrators(as_: Callable[[str], Client], role: str, status: int, page: str) -> None:
    assert as_(role).get(f"{LIST}{page}").status_code == status


def test_what_waits_is_counted_by_kind_and_job_and_then_discarded(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    rows = [run("pending"), run("pending"), run("scheduled"), run("pending", job="tests.admin_invoice")]
    kept = [run("running"), run("dead"), run("pending", queue="billing")]
    browser = as_("admin")
    question = browser.get(CLEAN)
    text = question.content.decode()
    assert "4 runs that wait in Route optimisation" in text and "rm-danger" in text
    for fact in ("3 due and waiting", "1 due later", "Plan a day: 3", "Invoice a month: 1"):
        assert fact in text
    assert "Say why" in browser.post(CLEAN, {**hidden(question), "why": ""}).content.decode()
    assert not Run.objects.filter(state="cancelled").exists()
    told = browser.post(CLEAN, {**hidden(question), "why": "Wrong day"}, follow=True).content.decode()
    assert "4 runs of Route optimisation discarded." in told
    assert set(Run.objects.filter(state="cancelled").values_list("pk", flat=True)) == {row.pk for row in rows}
    assert Run.objects.filter(pk__in=[row.pk for row in kept]).exclude(state="cancelled").count() == 3
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.why, entry.actor, entry.after["count"]) == ("queue.clean", "Wrong day", "admin", 4)


def test_no_more_is_discarded_than_the_page_had_counted(as_: Callable[[str], Client], run: Callable[..., Run]) -> None:
    first, browser = run("pending"), as_("admin")
    question = browser.get(CLEAN)
    later = run("pending", created_at=clock.now())
    browser.post(CLEAN, {**hidden(question), "why": "Wrong day"})
    first.refresh_from_db(), later.refresh_from_db()
    assert (first.state, later.state) == ("cancelled", "pending")


@pytest.mark.parametrize(
    "forged", [{}, {"until": "soon", "expected": "3"}, {"until": "2026-11-23T10:00:00Z", "expected": "0"}]
)
def test_without_a_count_nothing_is_discarded(
    as_: Callable[[str], Client], run: Callable[..., Run], forged: dict[str, str]
) -> None:
    run("pending")
    assert as_("admin").post(CLEAN, {**forged, "why": "Wrong day"}).status_code == 200
    assert not Run.objects.filter(state="cancelled").exists()


def test_it_is_narrowed_by_kind_job_and_age(as_: Callable[[str], Client], run: Callable[..., Run]) -> None:
    run("pending", created_at=clock.now() - timedelta(hours=3))
    run("scheduled", created_at=clock.now())
    other, browser = run("pending", job="tests.admin_invoice"), as_("admin")

    def counted(query: str) -> str | None:
        return hidden(browser.get(f"{CLEAN}?{query}")).get("expected")

    assert (counted(""), counted("among=pending"), counted("among=scheduled")) == ("3", "2", "1")
    assert (counted("age=1h"), counted("age=7d"), counted("job=tests.admin_invoice")) == ("1", None, "1")
    assert counted("among=running") is None and counted("age=never") is None
    assert "Nothing of this kind waits" in browser.get(f"{CLEAN}?age=7d").content.decode()
    address = f"{CLEAN}?job=tests.admin_invoice"
    browser.post(address, {**hidden(browser.get(address)), "why": "Wrong month"})
    assert list(Run.objects.filter(state="cancelled").values_list("pk", flat=True)) == [other.pk]


def test_over_a_thousand_a_run_does_it_and_its_page_is_shown(
    as_: Callable[[str], Client], run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    run("pending"), run("scheduled")
    browser = as_("admin")
    question = browser.get(CLEAN)
    assert "a run on Maintenance does it" in question.content.decode()
    answer: Any = browser.post(CLEAN, {**hidden(question), "why": "Wrong day"}, follow=True)
    doing = Run.objects.get(job="queues.clean_queue")
    assert answer.redirect_chain[-1][0] == f"/admin/queues/run/{doing.pk}/change/"
    assert "2 runs of Route optimisation will be discarded by this run." in answer.content.decode()
    assert (doing.params["limit"], doing.params["why"]) == (2, "Wrong day")


def test_a_run_that_a_drain_holds_back_says_so(as_: Callable[[str], Client], run: Callable[..., Run]) -> None:
    browser = as_("admin")
    before = run("pending")
    browser.post(f"{LIST}route-optimization/drain/", {"why": "Moving hosts"})
    after = run("pending", created_at=clock.now())
    told = "is draining: Moving hosts"
    assert told in browser.get(f"/admin/queues/run/{after.pk}/change/").content.decode()
    assert told not in browser.get(f"/admin/queues/run/{before.pk}/change/").content.decode()
