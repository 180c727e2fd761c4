"""A queue is cleaned: what waits is cancelled, as far as it was counted, and told once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from queues.engine import bulk
from queues.engine.bulk_count import count_clean
from queues.errors import WrongState
from queues.ledger import clock, runs
from queues.models import AuditEntry, RunEvent

from ..conftest import QUEUE, state_of
from .conftest import ids, in_state

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues_exist")]


class TestClean:
    def test_it_cancels_what_waits_and_touches_nothing_else(self, waiting, dead, actor) -> None:
        due, later = waiting(3), waiting(2, at=clock.now() + timedelta(hours=1))
        failed, running = dead(), waiting(1)
        runs.claim(QUEUE, list(ids(running)), worker_id=uuid4(), slots=1)
        foreign = waiting(1, queue="billing")
        what = count_clean(QUEUE)
        assert what.counts == {("pending", due[0].job): 3, ("scheduled", due[0].job): 2}
        did = bulk.clean_queue(what, actor=actor, why="Wrong prices")
        assert (did.tally, did.run) == (bulk.Tally(done=5), None)
        assert in_state("cancelled") == ids(due + later)
        assert (in_state("running"), in_state("pending"), in_state("dead")) == (ids(running), ids(foreign), ids(failed))

    def test_each_run_tells_it_and_the_audit_log_tells_it_once(self, waiting, actor) -> None:
        waiting(4)
        what = count_clean(QUEUE, job="tests.job_0", older_than_s=0)
        bulk.clean_queue(what, actor=actor, why="Wrong prices")
        events = RunEvent.objects.values_list("kind", "actor", "note")
        assert list(events) == [("cancelled", "tests", "Wrong prices")] * 4
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.object_id, entry.why, entry.before) == (
            "queue.clean",
            QUEUE,
            "Wrong prices",
            None,
        )
        assert (entry.after["count"], entry.after["jobs"]) == (4, ["tests.job_0"])
        assert entry.after["created_until"] == what.choice.created_until.isoformat()

    @pytest.mark.parametrize(
        ("how", "gone"),
        [
            ({}, {"old", "later", "young", "other"}),
            ({"among": ["pending"]}, {"old", "young", "other"}),
            ({"among": ["scheduled"]}, {"later"}),
            ({"older_than_s": 3600}, {"old", "later"}),
            ({"job": "tests.job_1"}, {"other"}),
            ({"job": "tests.gone"}, set()),
            ({"until": "early"}, {"old"}),
            ({"limit": 1}, {"old"}),
        ],
    )
    def test_what_it_is_about_can_be_narrowed(self, noop, waiting, job, actor, how: dict[str, Any], gone) -> None:
        other = job(lambda ctx, params: None)
        with clock.frozen(clock.now()) as time:
            made = {"old": waiting(1)}
            early = time.advance(1)
            time.advance(1)
            made["later"] = waiting(1, at=time.now() + timedelta(days=9))
            time.advance(7200)
            made |= {"young": waiting(1), "other": waiting(1, spec=other)}
            given = {**how, "until": early} if "until" in how else how
            bulk.clean_queue(count_clean(QUEUE, **given), actor=actor, why="?")
        assert {name for name, (row,) in made.items() if state_of(row.id) == "cancelled"} == gone

    def test_what_is_asked_for_after_the_count_stays(self, waiting, actor) -> None:
        before = waiting(3)
        what = count_clean(QUEUE)
        after = waiting(3)
        assert bulk.clean_queue(what, actor=actor, why="?").tally.done == 3
        assert (in_state("cancelled"), in_state("pending")) == (ids(before), ids(after))

    def test_no_more_than_was_counted_is_discarded(self, waiting, actor) -> None:
        rows = waiting(5)
        again = count_clean(QUEUE, limit=3)
        assert (again.total, again.bound) == (5, 3)
        assert bulk.clean_queue(again, actor=actor, why="?").tally == bulk.Tally(done=3)
        assert in_state("cancelled") == ids(rows[:3])

    def test_a_run_that_was_claimed_since_the_count_goes_on(self, waiting, actor) -> None:
        rows = waiting(3)
        what = count_clean(QUEUE)
        runs.claim(QUEUE, [rows[1].id], worker_id=uuid4(), slots=1)
        assert bulk.clean_queue(what, actor=actor, why="?").tally.done == 2
        assert in_state("running") == {rows[1].id}

    def test_one_that_falls_due_meanwhile_is_met_among_the_pending(self, waiting, actor) -> None:
        with clock.frozen(clock.now()) as time:
            (row,) = waiting(1, at=time.now() + timedelta(seconds=1))
            what = count_clean(QUEUE)
            time.advance(2)
            runs.promote()
            bulk.clean_queue(what, actor=actor, why="?")
        assert state_of(row.id) == "cancelled"

    def test_it_needs_a_reason(self, waiting, actor) -> None:
        waiting(1)
        with pytest.raises(WrongState, match="Say why"):
            bulk.clean_queue(count_clean(QUEUE), actor=actor, why=" ")
        assert not in_state("cancelled")

    def test_nothing_to_do_leaves_no_trace(self, actor) -> None:
        assert bulk.clean_queue(count_clean(QUEUE), actor=actor, why="?").tally == bulk.Tally()
        assert not AuditEntry.objects.exists()

    def test_the_ledger_cancels_by_the_many_only_what_waits(self, actor) -> None:
        with pytest.raises(ValueError, match="not: running"):
            runs.cancel_waiting([uuid4()], among=["running"], actor=actor)
