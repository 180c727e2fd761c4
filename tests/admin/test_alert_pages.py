"""Alerts in the admin: the list, one of them, the first page and the menu's count; and the lines and mutes of admins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from queues.contract import Actor
from queues.ledger import clock
from queues.ledger.requests import new_id
from queues.models import Alert, AlertEvent, AlertOverride, AuditEntry, HealthSample
from queues.watch.alert_overrides import save_override
from queues.watch.alert_rules import RULES

LIST, OVERRIDES = "/admin/queues/alert/", "/admin/queues/alertoverride/"
FORM = {"rule": "queue_wait", "queue": "billing", "warning": "8", "critical": "20", "muted_until": "", "reason": "Slow"}
As = Callable[[str], Client]


def alert(rule: str = "queue_wait", queue: str = "billing", **values: Any) -> Alert:
    now = clock.now()
    row = Alert.objects.create(
        **{
            "id": new_id(), "rule": rule, "queue": queue, "level": "warning", "value": 6.0, "threshold": 5.0, "peak": 9.0,
            "text": "The oldest due run has waited 6.0 s (warning over 5 s).", "opened_at": now - timedelta(minutes=3),
            "level_at": now, "last_seen_at": now, **values,
        }
    )  # fmt: skip
    AlertEvent.objects.create(alert=row, at=row.opened_at, kind="opened", level=row.level, value=row.value)
    return row


def text_of(browser: Client, path: str, **query: Any) -> str:
    answer = browser.get(path, query)
    assert answer.status_code == 200
    return answer.content.decode()


def listed(browser: Client, **query: str) -> list[str]:
    answer: Any = browser.get(LIST, query)
    return [row.rule for row in answer.context_data["cl"].result_list]


def test_the_list_shows_what_was_found_the_line_and_what_to_do_critical_ones_first(as_: As, db: None) -> None:
    alert("sla", "email", resolved_at=clock.now())
    alert("backlog", "email", level="critical", value=6000, threshold=5000)
    alert()
    page = text_of(as_("dispatcher"), LIST)
    assert "waited 6.0 s" in page and "6 s" in page and "line 5 s" in page and "Is a worker there?" in page
    assert listed(as_("admin")) == ["backlog", "queue_wait", "sla"]
    assert listed(as_("admin"), state="open") == ["backlog", "queue_wait"]
    assert listed(as_("admin"), queue="email", level="critical") == ["backlog"]
    assert listed(as_("admin"), queue="house") == []


def test_the_list_takes_as_many_queries_for_many_as_for_one(as_: As, db: None) -> None:
    browser = as_("admin")
    alert()
    text_of(browser, LIST)
    with CaptureQueriesContext(connection) as one:
        text_of(browser, LIST)
    for number in range(30):
        alert(f"rule{number}")
    with CaptureQueriesContext(connection) as many:
        text_of(browser, LIST)
    assert len(many) == len(one)


def test_an_alert_of_a_rule_that_is_no_more_is_still_shown(as_: As, db: None) -> None:
    row = alert("gone", resolved_at=clock.now())
    assert "gone" in text_of(as_("admin"), LIST)
    assert "gone" in text_of(as_("admin"), f"{LIST}{row.pk}/change/")


def test_its_page_tells_why_what_to_do_how_it_went_and_what_happened(as_: As, db: None) -> None:
    row = alert()
    for age_s in (100, 60, 20):
        HealthSample.objects.create(
            queue="billing", at=clock.now() - timedelta(seconds=age_s), depth=1, running=0, score=1, grade="F",
            oldest_wait_s=age_s / 10,
        )  # fmt: skip
    page = text_of(as_("dispatcher"), f"{LIST}{row.pk}/change/")
    for told in ("Queue wait, Billing", "over 5 s", "Work is asked for faster", "Opened", "polyline", "up to 10 s"):
        assert told in page
    assert "Acknowledge" not in page and "Line or mute" not in page  # a dispatcher runs no billing jobs
    page = text_of(as_("admin"), f"{LIST}{row.pk}/change/")
    assert "Acknowledge" in page and "Line or mute" in page
    assert "style=" not in page.split('id="content"')[1].split("</main>")[0].replace('style="color-scheme', "")


def test_somebody_takes_care_of_it(as_: As, db: None) -> None:
    row, browser = alert(), as_("manager")
    path = f"{LIST}{row.pk}/acknowledge/"
    assert "It stays open" in text_of(browser, path)
    answer = browser.post(path, {"why": "I restart the worker"}, follow=True)
    assert "you are on it" in answer.content.decode()
    page = text_of(as_("dispatcher"), LIST)
    assert "manager" in page and "I restart the worker" in page
    assert "takes care of this alert already" in as_("admin").post(path, {"why": ""}, follow=True).content.decode()


@pytest.mark.parametrize(("role", "status"), [("dispatcher", 403), ("customer", 302)])
def test_it_is_not_everybodys_to_acknowledge(as_: As, db: None, role: str, status: int) -> None:
    row = alert()
    assert as_(role).post(f"{LIST}{row.pk}/acknowledge/", {"why": ""}).status_code == status
    assert Alert.objects.get().acknowledged_at is None


def test_one_that_is_no_more_is_404(as_: As, db: None) -> None:
    assert as_("admin").get(f"{LIST}{new_id()}/change/").status_code == 404
    assert as_("admin").get(f"{LIST}nonsense/change/").status_code == 404


def test_the_first_page_and_the_menu_tell_what_is_open(as_: As, db: None) -> None:
    page = text_of(as_("dispatcher"), "/admin/")
    assert "All open alerts" not in page and "rm-menu-count" not in page
    alert()
    alert("pool_use", "", level="critical", text="The pool is full.")
    page = text_of(as_("dispatcher"), "/admin/")
    assert "The pool is full." in page and "the whole house" in page
    assert '<span class="rm-badge rm-bad rm-menu-count">2</span>' in page


# --- lines and mutes ---


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 403), ("dispatcher", 403), ("customer", 302)])
def test_lines_and_mutes_are_for_administrators(as_: As, db: None, role: str, status: int) -> None:
    browser = as_(role)
    assert [browser.get(path).status_code for path in (OVERRIDES, f"{OVERRIDES}add/")] == [status] * 2
    assert browser.post(f"{OVERRIDES}add/", FORM).status_code == (302 if status == 200 else status)
    assert AlertOverride.objects.exists() == (status == 200)


def test_a_line_is_written_changed_and_taken_back_and_the_audit_log_tells(as_: As, db: None) -> None:
    browser = as_("admin")
    browser.post(f"{OVERRIDES}add/", FORM)
    row = AlertOverride.objects.get()
    assert (row.rule, row.queue, row.warning, row.critical) == ("queue_wait", "billing", 8, 20)
    assert "warning over 8 s, critical over 20 s" in text_of(browser, OVERRIDES)
    changed = {**FORM, "warning": "9", "rule": "backlog", "queue": "email"}  # what it is about stays
    assert browser.post(f"{OVERRIDES}{row.pk}/change/", changed).status_code == 302
    row.refresh_from_db()
    assert (row.rule, row.queue, row.warning) == ("queue_wait", "billing", 9)
    assert browser.post(f"{OVERRIDES}{row.pk}/delete/", {"why": "Fast again"}).status_code == 302
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["alert_override.create", "alert_override.change", "alert_override.delete"]


def test_the_page_tells_every_rule_with_the_lines_that_hold(as_: As, db: None, actor: Actor) -> None:
    save_override(AlertOverride(rule="backlog", warning=75, reason="x"), actor=actor)
    page = text_of(as_("admin"), OVERRIDES)
    assert all(rule.title in page for rule in RULES)
    assert "warning over 75 runs, critical over 5,000 runs" in page
    assert f"{OVERRIDES}add/?rule=sla" in page
    assert f"{OVERRIDES}{AlertOverride.objects.get().pk}/change/" in page and "add/?rule=backlog" not in page


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"critical": "7"}, "The critical line must be over the warning"), ({"warning": "-1"}, "A line is a number over 0"),
        ({"rule": "pool_use"}, "is about the whole house"), ({"reason": ""}, "This field is required"),
        ({"warning": "", "critical": ""}, "Say what shall be otherwise"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_at_its_field(as_: As, db: None, wrong: Any, told: str) -> None:
    page = as_("admin").post(f"{OVERRIDES}add/", {**FORM, **wrong})
    assert page.status_code == 200
    assert told in page.content.decode()
    assert not AlertOverride.objects.exists()


def test_a_mute_is_shown_with_the_alert(as_: As, db: None, actor: Actor) -> None:
    row = alert()
    until = clock.now() + timedelta(hours=1)
    save_override(AlertOverride(rule="queue_wait", muted_until=until, reason="We move"), actor=actor)
    for path in (LIST, f"{LIST}{row.pk}/change/", "/admin/"):
        page = text_of(as_("admin"), path)
        assert "until" in page.partition('id="content"')[2] and "uted" in page


def test_the_alerts_page_leads_to_its_own_line(as_: As, db: None, actor: Actor) -> None:
    row = alert()
    assert f"{OVERRIDES}add/?rule=queue_wait&amp;queue=billing" in text_of(as_("admin"), f"{LIST}{row.pk}/change/")
    made = save_override(AlertOverride(rule="queue_wait", queue="billing", warning=7, reason="x"), actor=actor)
    assert f"{OVERRIDES}{made.pk}/change/" in text_of(as_("admin"), f"{LIST}{row.pk}/change/")
