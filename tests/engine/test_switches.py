"""Switches: the row's word over the environment's, read once a second, audited; and what the plain settings are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from queues import catalogue, rates
from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import queue_settings, switches
from queues.ledger.queue_settings import QueueSettings, all_effective, effective, ensure_queues, plain, resolve
from queues.models import AuditEntry, Queue, Switch

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADA = Actor(label="ada", source="command")


@pytest.fixture(autouse=True)
def nothing_read() -> None:
    switches.forget()


def queries(call: Any) -> int:
    with CaptureQueriesContext(connection) as seen:
        call()
    return len(seen)


# --- reading ---


@pytest.mark.django_db
def test_without_a_row_the_environment_decides(settings: Any) -> None:
    assert switches.on("optimization")
    settings.QUEUE_OPTIMIZATION_ENABLED = False
    assert not switches.on("optimization") and not switches.known("optimization")


@pytest.mark.django_db
@pytest.mark.parametrize("environment", [True, False])
def test_a_row_goes_above_the_environment(settings: Any, environment: bool) -> None:
    settings.REDIS_POOL_ENABLED = environment
    switches.throw("redis_pool", not environment, actor=ADA, why="To see.")
    assert switches.on("redis_pool") is not environment
    switches.throw("redis_pool", None, actor=ADA, why="Seen.")
    assert switches.on("redis_pool") is environment


@pytest.mark.django_db
def test_asking_often_reads_once_and_asking_nobody_never() -> None:
    assert queries(lambda: [switches.on("optimization") for _ in range(100)]) == 1
    assert queries(lambda: [switches.known("optimization") for _ in range(100)]) == 0
    switches.forget()
    assert switches.known("metrics") and queries(lambda: switches.known("metrics")) == 0


@pytest.mark.django_db
def test_what_another_process_threw_is_seen_after_a_second_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    monkeypatch.setattr("queues.ledger.switches.time.monotonic", lambda: now_s[0])
    assert switches.on("optimization")
    Switch.objects.create(name="optimization", on=False, changed_at=NOW)
    now_s[0] += 0.9
    assert switches.on("optimization")
    now_s[0] += 0.2
    assert not switches.on("optimization")


@pytest.mark.django_db
def test_a_claim_reads_the_switches_no_more_than_once_a_second() -> None:
    ensure_queues()
    row = Queue.objects.get(pk="billing")
    effective(row)
    assert queries(lambda: [effective(row) for _ in range(50)]) == 0


@pytest.mark.django_db
def test_a_name_may_be_written_as_the_variable_is_and_a_wrong_one_is_told_the_nearest() -> None:
    for name in ("redis_pool", "redis-pool", "REDIS_POOL_ENABLED"):
        assert switches.get(name).name == "redis_pool"
    with pytest.raises(switches.UnknownSwitch, match=r"no switch named 'optimisation'.*Did you mean 'optimization'"):
        switches.throw("optimisation", False, actor=ADA, why="x")


def test_every_switch_has_a_setting_of_its_variables_name() -> None:
    from django.conf import settings

    from project.env import BY_NAME

    for spec in switches.SWITCHES:
        assert isinstance(getattr(settings, spec.variable), bool) and spec.variable in BY_NAME


# --- throwing ---


@pytest.mark.django_db
def test_a_throw_is_audited_with_who_why_before_and_after() -> None:
    switches.throw("optimization", False, actor=ADA, why="Losses are suspected.")
    switches.throw("optimization", None, actor=ADA, why="It was something else.")
    first, second = AuditEntry.objects.order_by("id")
    assert (first.action, first.object_id, first.actor, first.why) == (
        "switch.off", "optimization", "ada", "Losses are suspected.",
    )  # fmt: skip
    assert (first.before, first.after) == ({"on": True, "from": "environment"}, {"on": False, "from": "staff"})
    assert (second.action, second.after) == ("switch.environment", {"on": True, "from": "environment"})


@pytest.mark.django_db
def test_a_throw_without_a_reason_or_to_where_it_stands_is_refused() -> None:
    with pytest.raises(WrongState, match="Say why"):
        switches.throw("optimization", False, actor=ADA, why="  ")
    with pytest.raises(WrongState, match="stands as QUEUE_OPTIMIZATION_ENABLED says already: on"):
        switches.throw("optimization", None, actor=ADA, why="x")
    switches.throw("optimization", False, actor=ADA, why="Losses are suspected.")
    with pytest.raises(WrongState, match="thrown off already, by ada: Losses are suspected"):
        switches.throw("optimization", False, actor=ADA, why="Again")
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db
def test_the_environments_value_may_be_pinned(settings: Any) -> None:
    switches.throw("optimization", True, actor=ADA, why="Whatever the next deployment says.")
    settings.QUEUE_OPTIMIZATION_ENABLED = False
    assert switches.on("optimization")


# --- what it does to queues ---


@pytest.mark.django_db
def test_off_puts_the_plain_settings_in_force_for_every_queue_and_on_puts_them_back() -> None:
    ensure_queues()
    Queue.objects.filter(pk="email").update(concurrency=12, rate_limit="100/min")
    before = all_effective()
    switches.throw("optimization", False, actor=ADA, why="x")
    found = all_effective()
    assert all(each.plain and not each.batch for each in found.values())
    assert {name: each.concurrency for name, each in found.items()} == {
        name: min(3, each.concurrency) for name, each in before.items()
    }
    assert found["reports"].rate_limit == found["notifications"].rate_limit == "10/s"
    assert found["email"].rate_limit == "100/min"  # staff's own, which is slower
    switches.throw("optimization", None, actor=ADA, why="x")
    assert all_effective() == before


@pytest.mark.django_db
def test_the_whole_is_switched_off_and_on_with_one_switch() -> None:
    ensure_queues()
    switches.throw("queues", False, actor=ADA, why="The database moves.")
    assert not any(each.open for each in all_effective().values())
    switches.throw("queues", True, actor=ADA, why="It has moved.")
    assert all(each.open for each in all_effective().values())


def settings_of(concurrency: int, rate: str) -> QueueSettings:
    spec = catalogue.get("reports")
    return resolve(spec, Queue(name=spec.name, concurrency=concurrency, rate_limit=rate), {}, NOW)


RATES = st.one_of(
    st.just(""), st.builds(lambda limit, period: f"{limit}/{period}", st.integers(1, 999_999), st.sampled_from("smh"))
)


@given(st.integers(1, 1000), RATES)
def test_plain_is_never_more_than_the_queue_has_otherwise(concurrency: int, rate: str) -> None:
    own = settings_of(concurrency, rate)
    found = plain(own)
    limit = rates.parse(found.rate_limit)
    assert limit is not None and limit.per_second <= 10
    mine = rates.parse(rate)
    assert mine is None or limit.per_second <= mine.per_second
    assert found.concurrency == min(concurrency, 3) >= 1 and not found.batch
    assert plain(found) == found


def test_plain_settings_leave_all_else_as_it_is() -> None:
    own = settings_of(8, "")
    found = plain(own)
    for name in ("name", "enabled", "paused", "executor", "memory_limit_mb", "drain_at", "rank"):
        assert getattr(found, name) == getattr(own, name)


def test_of_two_rates_alike_the_one_with_fewer_at_once_is_in_force() -> None:
    assert plain(settings_of(1, "600/min")).rate_limit == "10/s"
    assert plain(settings_of(1, "9/s")).rate_limit == "9/s"


def test_a_rate_that_is_none_does_not_stand_in_the_way_of_the_plain_settings() -> None:
    assert plain(settings_of(1, "often")).rate_limit == "10/s"


@pytest.mark.django_db
def test_what_the_environment_says_is_told_whatever_staff_set() -> None:
    ensure_queues()
    Queue.objects.filter(pk="billing").update(concurrency=5)
    switches.throw("optimization", False, actor=ADA, why="x")
    assert (effective("billing").concurrency, queue_settings.as_set("billing").concurrency) == (3, 1)
