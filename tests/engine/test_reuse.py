"""Reusable results: a repeat is answered with what there is, and what failed, is old or is someone else's never answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from queues import registry
from queues.contract import Actor, RunRef
from queues.engine import control, dispatch
from queues.ledger import clock, create, reuse
from queues.ledger.requests import request_for
from queues.models import AuditEntry, JobDefinition, Run

from .conftest import QUEUE, Number

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = 3600.0
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def at_noon(fake_window: Any, settings: Any) -> Iterator[clock.Fake]:
    settings.METRICS_ENABLED = False
    with clock.frozen(NOON) as fake:
        yield fake


@pytest.fixture
def plan(job: Callable[..., Any]) -> registry.JobSpec[Number]:
    return job(lambda ctx, params: None, cache_ttl_s=HOUR)


def end(ref: RunRef, state: str = "succeeded", **values: Any) -> RunRef:
    Run.objects.filter(pk=ref.id).update(state=state, finished_at=clock.now(), **values)
    return ref


def reused(ref: RunRef) -> RunRef:
    return RunRef(ref.id, "succeeded", created=False, cached=True)


# --- what answers ---


def test_a_repeat_is_answered_with_the_result_there_is(plan: Any) -> None:
    first = end(plan.enqueue(Number(n=1)))
    assert plan.enqueue(Number(n=1)) == reused(first)
    with transaction.atomic():
        assert plan.enqueue(Number(n=1)) == reused(first)
    assert Run.objects.count() == 1


def test_a_repeat_costs_one_query_and_no_transaction(plan: Any) -> None:
    end(plan.enqueue(Number(n=1)))
    with CaptureQueriesContext(connection) as asked:
        plan.enqueue(Number(n=1))
    assert len(asked) == (0 if connection.vendor == "postgresql" else 1)  # there it goes past Django's cursor


def test_a_repeat_is_answered_within_five_milliseconds(plan: Any) -> None:
    end(plan.enqueue(Number(n=1)))
    took_s = []
    for _ in range(51):
        begun_s = time.perf_counter()
        plan.enqueue(Number(n=1))
        took_s.append(time.perf_counter() - begun_s)
    assert sorted(took_s)[25] < 0.005


def test_a_result_answers_until_its_time_is_over(plan: Any, at_noon: clock.Fake) -> None:
    first = end(plan.enqueue(Number(n=1)))
    at_noon.advance(HOUR - 0.001)
    assert plan.enqueue(Number(n=1)).cached
    at_noon.advance(0.001)
    second = plan.enqueue(Number(n=1))
    assert second.created and second.id != first.id


def test_the_newest_result_answers(plan: Any, at_noon: clock.Fake) -> None:
    end(plan.enqueue(Number(n=1)))
    at_noon.advance(60)
    newer = end(plan.enqueue(Number(n=1), fresh=True))
    assert plan.enqueue(Number(n=1)) == reused(newer)


def test_other_parameters_and_other_jobs_get_a_run_of_their_own(plan: Any, job: Any) -> None:
    other = job(lambda ctx, params: None, cache_ttl_s=HOUR)
    end(plan.enqueue(Number(n=1)))
    assert plan.enqueue(Number(n=2)).created
    assert other.enqueue(Number(n=1)).created


@pytest.mark.parametrize("state", ["dead", "cancelled"])
def test_a_run_without_success_answers_nobody(plan: Any, state: str) -> None:
    end(plan.enqueue(Number(n=1)), state)
    assert plan.enqueue(Number(n=1)).created


def test_a_job_that_declares_nothing_is_always_run(job: Any) -> None:
    plain = job(lambda ctx, params: None)
    end(plain.enqueue(Number(n=1)))
    assert plain.enqueue(Number(n=1)).created and plain.enqueue(Number(n=1)).created


def test_a_new_version_of_the_handler_ends_the_old_results(plan: Any) -> None:
    end(plan.enqueue(Number(n=1)))
    plan.cache_version = 2
    assert plan.enqueue(Number(n=1)).created


def test_a_result_that_no_longer_stands_is_made_again(plan: Any) -> None:
    asked: list[Any] = []
    plan.cache_holds = lambda result: asked.append(result) or result.get("plan") != 7
    end(plan.enqueue(Number(n=1)), result={"plan": 7})
    end(plan.enqueue(Number(n=2)))  # no result at all
    assert plan.enqueue(Number(n=1)).created
    assert plan.enqueue(Number(n=2)).cached
    assert {"plan": 7} in asked and {} in asked


# --- who runs meanwhile ---


@pytest.mark.parametrize("state", ["pending", "scheduled", "running"])
def test_a_live_run_of_the_same_work_answers(plan: Any, state: str) -> None:
    first = plan.enqueue(Number(n=1))
    lease = {"lease_token": UUID(int=1), "worker_id": UUID(int=2)} if state == "running" else {}
    Run.objects.filter(pk=first.id).update(state=state, **lease)
    assert plan.enqueue(Number(n=1)) == RunRef(first.id, state, created=False)
    assert Run.objects.count() == 1


def test_a_success_between_the_look_and_the_insert_answers(plan: Any, monkeypatch: Any) -> None:
    first = plan.enqueue(Number(n=1))
    insert = create.create

    def late(runs: Any) -> Any:
        if runs:
            end(first)
        return insert(runs)

    monkeypatch.setattr(reuse, "create", late)
    assert plan.enqueue(Number(n=1)) == reused(first)
    assert Run.objects.count() == 1


def test_what_was_rolled_back_answers_nobody(plan: Any) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        plan.enqueue(Number(n=1))
        raise RuntimeError
    assert plan.enqueue(Number(n=1)).created


def test_many_at_once_are_one_run_for_each_answer(plan: Any, fake_window: Any) -> None:
    done = end(plan.enqueue(Number(n=1)))
    refs = plan.enqueue_many([Number(n=n) for n in (3, 1, 2, 3, 1, 2)])
    assert refs[1] == refs[4] == reused(done)
    assert [ref.created for ref in refs] == [True, False, True, False, False, False]
    assert refs[0].id == refs[3].id != refs[2].id == refs[5].id
    assert {refs[0].id, refs[2].id} <= set(fake_window.ids(QUEUE))


# --- run anew ---


def test_run_anew_runs_whatever_there_is_and_its_result_answers_in_its_turn(plan: Any, at_noon: clock.Fake) -> None:
    old = end(plan.enqueue(Number(n=1)))
    at_noon.advance(1)
    fresh = plan.enqueue(Number(n=1), fresh=True)
    assert fresh.created and fresh.id != old.id
    again = plan.enqueue(Number(n=1), fresh=True)
    assert again.created and again.id != fresh.id, "it waits for nobody's run"
    assert plan.enqueue(Number(n=1)) == reused(old), "meanwhile the old one is good enough for who did not ask for more"
    end(fresh)
    assert plan.enqueue(Number(n=1)) == reused(fresh)


def test_who_comes_while_it_is_run_anew_shares_that_run(plan: Any) -> None:
    fresh = plan.enqueue(Number(n=1), fresh=True)
    assert plan.enqueue(Number(n=1)) == RunRef(fresh.id, "pending", created=False)


# --- with the other keys and times ---


def test_a_run_due_later_is_a_run_of_its_own_and_its_result_answers(plan: Any, at_noon: clock.Fake) -> None:
    end(plan.enqueue(Number(n=1)))
    later = plan.enqueue(Number(n=1), at=NOON + timedelta(hours=2))
    assert later.created and later.state == "scheduled"
    at_noon.advance(HOUR)
    now = plan.enqueue(Number(n=1))
    assert now.created, "nobody waits for what is due later"
    end(now, "cancelled")
    at_noon.advance(HOUR)
    end(later)
    assert plan.enqueue(Number(n=1)) == reused(later)


def test_a_dedupe_key_of_the_callers_own_keeps_its_meaning(plan: Any) -> None:
    mine = plan.enqueue(Number(n=1), dedupe_key="mine")
    assert plan.enqueue(Number(n=2), dedupe_key="mine") == RunRef(mine.id, "pending", created=False)
    assert plan.enqueue(Number(n=1), dedupe_key="mine", fresh=True).id == mine.id
    end(mine)
    assert plan.enqueue(Number(n=1), dedupe_key="mine") == reused(mine)
    assert plan.enqueue(Number(n=2), dedupe_key="mine").created


def test_an_idempotency_key_gets_its_first_answer_though_the_result_is_old(plan: Any, at_noon: clock.Fake) -> None:
    first = end(plan.enqueue(Number(n=1)))
    assert plan.enqueue(Number(n=1), idempotency_key="k") == reused(first)
    at_noon.advance(2 * HOUR)
    assert plan.enqueue(Number(n=1), idempotency_key="k") == RunRef(first.id, "succeeded", created=False)
    assert plan.enqueue(Number(n=1), idempotency_key="other").created


def test_a_retried_run_does_not_join_a_live_one_of_the_same_work(plan: Any, actor: Actor) -> None:
    dead = end(plan.enqueue(Number(n=1)), "dead")
    plan.enqueue(Number(n=1))
    with pytest.raises(Exception, match="Another live run"):
        control.retry(dead.id, actor=actor)


# --- definitions ---


@pytest.mark.parametrize(("own_s", "answers"), [(None, True), (0, False), (60, True)])
def test_a_definition_decides_over_its_job(plan: Any, actor: Actor, own_s: float | None, answers: bool) -> None:
    definition = JobDefinition.objects.create(name="Plan", job=plan.name, cache_ttl_s=own_s)
    first = dispatch.run_definition(definition, {"n": 1}, actor=actor)
    end(RunRef(first.id, "pending"))
    second = dispatch.run_definition(definition, {"n": 1}, actor=actor)
    assert second.answer is not None and second.answer.cached is answers
    assert (second.id == first.id) is answers


def test_a_time_beyond_all_calendars_is_a_year(plan: Any, at_noon: clock.Fake) -> None:
    end(plan.enqueue(Number(n=1), cache_ttl_s=1e15))
    at_noon.advance(366 * 86400 - 1)
    assert plan.enqueue(Number(n=1), cache_ttl_s=1e15).cached
    at_noon.advance(1)
    assert plan.enqueue(Number(n=1), cache_ttl_s=1e15).created


def test_a_definition_may_make_any_jobs_result_reusable(job: Any, actor: Actor, at_noon: clock.Fake) -> None:
    plain = job(lambda ctx, params: None)
    definition = JobDefinition.objects.create(name="Plan", job=plain.name, cache_ttl_s=60)
    first = end(dispatch.dispatch([request_for(definition, {"n": 1}, actor=actor)])[0])
    at_noon.advance(59)
    assert dispatch.dispatch([request_for(definition, {"n": 1}, actor=actor)]) == [reused(first)]
    at_noon.advance(1)
    assert dispatch.dispatch([request_for(definition, {"n": 1}, actor=actor)])[0].created


def test_an_answer_from_a_result_is_no_change_and_is_not_audited(plan: Any, actor: Actor) -> None:
    first = dispatch.enqueue_job(plan.name, {"n": 1}, actor=actor)
    end(RunRef(first.id, "pending"))
    assert dispatch.enqueue_job(plan.name, {"n": 1}, actor=actor).id == first.id
    assert AuditEntry.objects.filter(action="run.enqueue").count() == 1


# --- how it is found ---


def test_the_look_reads_the_index_of_reusable_runs(plan: Any) -> None:
    sql = reuse._newest(connection.vendor, False)
    how = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")  # a table of no rows is read whole otherwise
        cursor.execute(how + sql, ["k" * 64, NOON])
        told = " ".join(str(row) for row in cursor.fetchall())
        if connection.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan")
    assert "run_reusable" in told
