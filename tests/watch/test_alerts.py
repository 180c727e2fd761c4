"""Alerts in the ledger: opened, told, silenced and resolved by whoever looks, once, whoever else looks at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from queues.contract import Actor
from queues.ledger import clock
from queues.ledger.queue_settings import ensure_queues
from queues.ledger.requests import new_id
from queues.models import Alert, AlertEvent, AlertWatch, HealthSample, Queue
from queues.watch import alert_news, alerts
from queues.watch.acknowledge import acknowledge

from .conftest import NOON

ADA = Actor(label="ada", source="admin")
Look = Callable[..., int]


def the_alert() -> Alert:
    return Alert.objects.get()


def calm(look: Look, looks: int = 5) -> None:
    for _ in range(looks):
        look(0)


def test_an_alert_opens_with_what_was_found_and_the_line(look: Look, news: list[Any]) -> None:
    assert look(6.0) == 1
    row = the_alert()
    assert (row.rule, row.queue, row.level) == ("queue_wait", "data-sync", "warning")
    assert (row.value, row.peak, row.threshold) == (6.0, 6.0, 5.0)
    assert row.text == "The oldest due run has waited 6.0 s (warning over 5 s)."
    assert row.opened_at == row.last_seen_at == clock.now()
    assert news == [("opened", "warning")]


def test_it_gets_worse_and_better_and_resolves_by_itself(look: Look, news: list[Any]) -> None:
    for wait_s in (6.0, 20.0, *[7.0] * 5):
        look(wait_s)
    row = the_alert()
    assert (row.level, row.value, row.peak, row.threshold) == ("warning", 7.0, 20.0, 5.0)
    calm(look)
    row = the_alert()
    assert row.resolved_at == clock.now()
    assert row.value == 0.0
    assert list(row.events.values_list("kind", flat=True)) == ["opened", "worsened", "eased", "resolved"]
    assert news == [("opened", "warning"), ("worsened", "critical"), ("resolved", "warning")]


def test_what_comes_back_within_the_cooldown_is_the_same_alert_and_is_told_when_it_stays(
    look: Look, news: list[Any]
) -> None:
    look(6.0)
    calm(look)
    news.clear()
    look(6.0)
    row = the_alert()
    assert (row.open, row.reopened) == (True, 1)
    assert news == []
    for _ in range(20):  # five minutes
        look(6.0)
    assert news == [("opened", "warning")]
    assert row.events.last().kind == "told"
    calm(look)
    assert news == [("opened", "warning"), ("resolved", "warning")]


def test_what_comes_and_goes_within_the_cooldown_is_told_once(look: Look, news: list[Any]) -> None:
    for _ in range(2):
        look(6.0)
        calm(look)
    assert Alert.objects.count() == 1
    assert news == [("opened", "warning"), ("resolved", "warning")]


def test_what_comes_back_worse_is_told_at_once(look: Look, news: list[Any]) -> None:
    look(6.0)
    calm(look)
    look(11.0)
    assert Alert.objects.count() == 1
    assert news[-1] == ("opened", "critical")


def test_after_the_cooldown_it_is_another_alert(look: Look) -> None:
    look(6.0)
    calm(look)
    look(6.0, after_s=301)
    assert Alert.objects.count() == 2


def test_a_backlog_must_last_and_what_is_remembered_of_it_is_anybodys(look: Look) -> None:
    assert [look(1.0, depth=60) for _ in range(3)] == [0, 0, 1]
    assert the_alert().rule == "backlog"


def test_a_paused_queues_alerts_resolve(look: Look) -> None:
    look(99.0)
    Queue.objects.filter(pk="data-sync").update(paused_at=NOON)
    for _ in range(5):
        look(99.0)
    assert not Alert.objects.filter(resolved_at__isnull=True).exists()


def test_an_alert_stays_while_nobody_samples(look: Look, at_noon: clock.Fake) -> None:
    look(6.0)
    for _ in range(10):
        at_noon.advance(61)
        alerts.tick()
    assert the_alert().open


def test_an_alert_of_a_rule_that_is_no_more_ends(look: Look) -> None:
    Alert.objects.create(
        id=new_id(), rule="gone", queue="data-sync", level="warning", text="x", value=1, threshold=1, peak=1, opened_at=NOON,
        level_at=NOON, last_seen_at=NOON,
    )  # fmt: skip
    look()
    assert the_alert().resolved_at is not None


# --- who looks ---


def test_ticks_of_many_workers_look_once_in_ten_seconds(look: Look, at_noon: clock.Fake) -> None:
    look(6.0)
    times = set()
    for _ in range(12):  # a minute
        for _worker in range(3):
            alerts.tick()
            times.add(AlertWatch.objects.get().looked_at)
        at_noon.advance(5)
    assert len(times) == 6


def test_a_tick_that_is_not_due_is_one_query(look: Look) -> None:
    look()
    with CaptureQueriesContext(connection) as queries:
        alerts.tick()
    assert len(queries) == 1


def test_a_look_takes_few_queries_however_many_alerts_are_open(look: Look, at_noon: clock.Fake) -> None:
    def queries() -> int:
        at_noon.advance(15)
        for queue in ("data-sync", "email", "notifications", "maintenance"):
            HealthSample.objects.create(
                queue=queue, at=clock.now(), depth=1, running=0, score=1, grade="F", oldest_wait_s=8, succeeded=1
            )
        with CaptureQueriesContext(connection) as found:
            alerts.tick()
        return len(found)

    look(8.0)
    queries()
    assert Alert.objects.filter(resolved_at__isnull=True).count() == 4
    assert queries() <= 18


def test_of_two_who_look_at_once_one_opens(look: Look, at_noon: clock.Fake) -> None:
    look()
    at_noon.advance(15)
    HealthSample.objects.create(
        queue="data-sync", at=clock.now(), depth=1, running=0, score=1, grade="F", oldest_wait_s=9
    )
    seen = alerts.look(clock.now())
    assert [alerts.evaluate(seen), alerts.evaluate(seen)] == [1, 0]
    assert Alert.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_look_at_the_same_moment_one_opens_and_nobody_waits_for_another(server: Any) -> None:
    ensure_queues()
    AlertWatch.objects.create()
    now = clock.now()
    HealthSample.objects.create(queue="data-sync", at=now, depth=1, running=0, score=1, grade="F", oldest_wait_s=9)
    seen, found = alerts.look(now), at_once(8, lambda: alerts.evaluate(alerts.look(now)))
    assert sorted(found) == [0] * 7 + [1]
    assert (Alert.objects.count(), AlertEvent.objects.count()) == (1, 1)
    assert alerts.evaluate(seen) == 0


@pytest.mark.django_db(transaction=True)
def test_who_acknowledges_while_others_look_is_not_overwritten(server: Any) -> None:
    ensure_queues()
    AlertWatch.objects.create()
    now = clock.now()
    HealthSample.objects.create(queue="data-sync", at=now, depth=1, running=0, score=1, grade="F", oldest_wait_s=9)
    alerts.evaluate(alerts.look(now))
    row, later = the_alert(), [now + timedelta(seconds=11 * number) for number in range(1, 5)]
    moments = iter(later)
    lock = threading.Lock()

    def go() -> str:
        with lock:
            at = next(moments, None)
        if at is None:
            return acknowledge(row.pk, actor=ADA, note="Mine").acknowledged_by
        alerts.evaluate(replace(alerts.look(now), at=at))
        return ""

    assert "ada" in at_once(5, go)
    assert (the_alert().acknowledged_by, the_alert().note) == ("ada", "Mine")


def at_once(count: int, call: Callable[[], Any]) -> list[Any]:
    """What each of so many threads got, all of them let go together."""
    together, found = threading.Barrier(count), []

    def go() -> None:
        try:
            together.wait(10)
            found.append(call())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def test_a_clock_that_was_set_back_does_not_stop_the_looks(look: Look, at_noon: clock.Fake) -> None:
    look()
    at_noon.advance(-3600)
    look(6.0)
    assert the_alert().open


def test_a_second_open_alert_of_a_rule_and_queue_is_refused_by_the_database(look: Look) -> None:
    look(6.0)
    twin = the_alert()
    twin.pk = new_id()
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)


def test_what_is_told_fails_with_the_change_and_the_next_look_makes_up_for_it(
    look: Look, news: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(alert_news, "announce", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            look(6.0)
    assert not Alert.objects.exists()
    look(6.0)
    assert news == [("opened", "warning")]


def test_how_many_came_to_a_level_is_counted_for_ever(look: Look) -> None:
    for wait_s in (6.0, 11.0):
        look(wait_s)
    Alert.objects.all().delete()
    look(6.0)
    assert AlertWatch.objects.get().counts == {"queue_wait|warning": 2, "queue_wait|critical": 1}
