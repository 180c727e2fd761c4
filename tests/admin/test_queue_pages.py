"""Queues, workers, health and the audit log in the admin; and the first page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from queues.contract import Actor
from queues.ledger import audit, clock
from queues.models import AuditEntry, HealthSample, Queue, QueueHealth, Run, Worker


def test_an_override_is_stored_and_audited(as_: Callable[[str], Client]) -> None:
    browser = as_("admin")
    address = "/admin/queues/queue/route-optimization/change/"
    page = browser.get(address).content.decode()
    assert "Empty: 2, from the environment or the catalogue." in page
    assert "Default: Threads" in page and "Empty: Threads, from the environment or the catalogue." in page
    browser.post(
        address,
        {"enabled": "on", "concurrency": "5", "memory_limit_mb": "", "rate_limit": "", "executor": "children"},
    )
    stored = Queue.objects.get(pk="route-optimization")
    assert (stored.concurrency, stored.executor) == (5, "children")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.before) == ("queue.change", {"concurrency": None, "executor": ""})
    assert entry.after == {"concurrency": 5, "executor": "children"}
    assert "child processes*" in browser.get("/admin/queues/queue/").content.decode()


def test_a_queue_is_paused_with_a_reason_until_a_time_and_resumed(as_: Callable[[str], Client]) -> None:
    browser = as_("admin")
    past: Any = browser.post("/admin/queues/queue/billing/pause/", {"why": "Move", "until": "2020-01-01T10:00"})
    assert "past" in str(past.context["form"].errors)
    browser.post("/admin/queues/queue/billing/pause/", {"why": "Move", "until": ""})
    assert "Move" in browser.get("/admin/queues/queue/").content.decode()
    browser.post("/admin/queues/queue/billing/resume/", {"why": ""})
    assert Queue.objects.get(pk="billing").paused_at is None
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"queue.pause", "queue.resume"}


def test_health_shows_grade_reasons_and_lines(as_: Callable[[str], Client]) -> None:
    now = clock.now()
    reasons = [{"code": "dead", "text": "1 run died", "points": 12}]
    QueueHealth.objects.create(queue="billing", score=71, grade="C", reasons=reasons, sampled_at=now)
    for minute in range(5):
        HealthSample.objects.create(
            queue="billing",
            at=now - timedelta(minutes=minute),
            depth=minute,
            running=0,
            score=71,
            grade="C",
            reasons=reasons,
        )
    browser = as_("manager")
    page = browser.get("/admin/queues/queuehealth/").content.decode()
    assert "1 run died" in page and page.count("<polyline") == 2
    assert "1 run died" in browser.get("/admin/queues/healthsample/", {"queue": "billing"}).content.decode()
    assert browser.get("/admin/queues/queuehealth/billing/change/").status_code == 200


def test_workers_show_their_state_and_silence(as_: Callable[[str], Client]) -> None:
    now = clock.now()
    Worker.objects.create(
        id=uuid4(),
        name="depot-1",
        host="depot-1",
        pid=12,
        queues=["billing"],
        slots=3,
        started_at=now,
        beat_at=now - timedelta(minutes=2),
    )
    page = as_("manager").get("/admin/queues/worker/").content.decode()
    assert "depot-1" in page and "rm-late" in page and "2 min" in page


def test_the_audit_log_shows_before_and_after_and_no_markup_of_others(
    as_: Callable[[str], Client], actor: Actor
) -> None:
    audit.write(
        actor,
        "queue.change",
        object_type="queue",
        object_id="billing",
        before={"note": "<b>old</b>"},
        after={"note": "new"},
        why="<i>so</i>",
    )
    browser, entry = as_("admin"), AuditEntry.objects.get()
    page = browser.get(f"/admin/queues/auditentry/{entry.pk}/change/").content.decode()
    assert "&lt;b&gt;old" in page and "&lt;i&gt;so" in page and "<b>old" not in page
    assert "queue.change" in browser.get("/admin/queues/auditentry/", {"q": "ada", "type": "queue"}).content.decode()
    assert browser.post(f"/admin/queues/auditentry/{entry.pk}/delete/", {"why": ""}).status_code == 403


def test_a_things_history_is_its_part_of_the_audit_log(as_: Callable[[str], Client]) -> None:
    answer: Any = as_("admin").get("/admin/queues/queue/billing/history/")
    assert answer.url == "/admin/queues/auditentry/?q=billing"


def test_the_first_page_asks_a_constant_number_of_queries(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    browser = as_("manager")
    run("running")
    with CaptureQueriesContext(connection) as few:
        page = browser.get("/admin/").content.decode()
    assert "Running now" in page and "No worker is running" in page and 'hx-trigger="every 2s"' in page
    for _ in range(10):
        run("running")
        run("dead")
    with CaptureQueriesContext(connection) as many:
        assert "The store did not answer." in browser.get("/admin/queues/run/dashboard/").content.decode()
    assert len(many) <= len(few)


def test_times_follow_the_browsers_zone_on_the_admins_pages_only(
    as_: Callable[[str], Client], run: Callable[..., Run]
) -> None:
    one, browser = run("pending"), as_("manager")
    browser.cookies["roundsman_zone"] = "Asia%2FTokyo"
    page = browser.get(f"/admin/queues/run/{one.pk}/change/").content.decode()
    from zoneinfo import ZoneInfo

    assert f"{one.created_at.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M:%S}</time>" in page
    assert f'title="{one.created_at:%Y-%m-%d %H:%M:%S} UTC"' in page
    browser.cookies["roundsman_zone"] = "Mars/Base"
    assert browser.get("/admin/").status_code == 200
