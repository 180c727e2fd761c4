"""What people do about alerts: take care of one, set other lines, mute; and what of it subscribers hear."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import clock
from queues.models import Alert, AlertEvent, AlertOverride, AuditEntry
from queues.watch.acknowledge import acknowledge
from queues.watch.alert_overrides import delete_override, save_override

ADA = Actor(label="ada", source="admin")
Look = Callable[..., int]


def the_alert() -> Alert:
    return Alert.objects.get()


def calm(look: Look, looks: int = 5) -> None:
    for _ in range(looks):
        look(0)


def test_somebody_takes_care_of_it_and_that_is_audited(look: Look) -> None:
    look(6.0)
    done = acknowledge(the_alert().pk, actor=ADA, note="I am looking")
    assert (done.acknowledged_by, done.note, done.acknowledged_at) == ("ada", "I am looking", clock.now())
    entry = AuditEntry.objects.get(action="alert.acknowledge")
    assert (entry.actor, entry.object_id, entry.why) == ("ada", str(done.pk), "I am looking")
    look(6.0)
    assert the_alert().acknowledged_by == "ada"
    with pytest.raises(WrongState, match="ada takes care of this alert already"):
        acknowledge(done.pk, actor=ADA)


def test_what_got_worse_must_be_looked_at_anew(look: Look) -> None:
    look(6.0)
    acknowledge(the_alert().pk, actor=ADA)
    look(11.0)
    assert (the_alert().acknowledged_at, the_alert().acknowledged_by) == (None, "")


def test_what_has_resolved_is_not_acknowledged(look: Look) -> None:
    look(6.0)
    calm(look)
    with pytest.raises(WrongState, match="resolved by itself"):
        acknowledge(the_alert().pk, actor=ADA)
    assert not AlertEvent.objects.filter(kind="acknowledged").exists()


def test_another_line_holds_from_the_next_look_on_its_own_queue_first(look: Look) -> None:
    save_override(AlertOverride(rule="queue_wait", warning=3, reason="Small"), actor=ADA)
    save_override(AlertOverride(rule="queue_wait", queue="data-sync", warning=8, reason="Slow"), actor=ADA)
    look(6.0)
    assert not Alert.objects.exists()
    look(4.0, queue="email")
    assert the_alert().queue == "email"


def test_a_muted_rule_is_shown_and_told_to_nobody_until_the_mute_ends(look: Look, news: list[Any]) -> None:
    mute = AlertOverride(rule="queue_wait", reason="We move", muted_until=clock.now() + timedelta(minutes=2))
    save_override(mute, actor=ADA)
    for wait_s in (6.0, 11.0):
        look(wait_s)
    assert the_alert().level == "critical"
    assert news == []
    for _ in range(8):
        look(11.0)
    assert news == [("opened", "critical")]


def test_what_was_told_before_a_mute_is_told_to_be_over(look: Look, news: list[Any]) -> None:
    look(6.0)
    mute = AlertOverride(rule="queue_wait", reason="We move", muted_until=clock.now() + timedelta(hours=2))
    save_override(mute, actor=ADA)
    calm(look)
    assert news == [("opened", "warning"), ("resolved", "warning")]


def test_what_staff_say_is_audited_and_taken_back(db: None) -> None:
    row = save_override(AlertOverride(rule="backlog", queue="email", warning=500, reason="Mailings"), actor=ADA)
    row.warning = 600
    save_override(row, actor=ADA)
    delete_override(row, actor=ADA, why="No more mailings")
    entries = AuditEntry.objects.order_by("id")
    assert [(e.action, e.before and e.before.get("warning"), e.after and e.after.get("warning")) for e in entries] == [
        ("alert_override.create", None, 500), ("alert_override.change", 500, 600), ("alert_override.delete", 600, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"rule": "queue_wiat", "warning": 1}, "rule"), ({"rule": "queue_wait", "queue": "nowhere", "warning": 1}, "queue"),
        ({"rule": "pool_use", "queue": "email", "warning": 50}, "queue"), ({"rule": "queue_wait", "warning": 0}, "warning"),
        ({"rule": "queue_wait", "warning": 11}, "critical"), ({"rule": "throughput", "critical": 9000}, "critical"),
        ({"rule": "queue_wait"}, "__all__"), ({"rule": "queue_wait", "warning": 1, "reason": " "}, "reason"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_its_field(db: None, values: Any, field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        save_override(AlertOverride(**{"reason": "So", **values}), actor=ADA)
    assert field in getattr(refused.value, "message_dict", {"__all__": 1})
