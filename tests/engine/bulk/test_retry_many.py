"""Failed runs go back by the many, each as one that is retried by hand."""

from __future__ import annotations

from uuid import uuid4

import pytest

from queues.engine import bulk
from queues.engine.bulk_count import count_failed
from queues.ledger import clock, requeue, runs
from queues.ledger.choice import Choice
from queues.models import AuditEntry, JobDefinition, Run, RunEvent

from ..conftest import QUEUE, state_of
from .conftest import ids, in_state

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues_exist")]


class TestRetry:
    def test_they_go_back_as_one_retried_by_hand_does(self, dead, actor) -> None:
        many, (one,) = dead(2, max_attempts=6, crashes=2), dead(1, max_attempts=6, crashes=2)
        runs.requeue(one.id, actor=actor, why="The store is back")
        did = bulk.retry_failed(count_failed(ids=list(ids(many))), actor=actor, why="The store is back")
        assert did.tally == bulk.Tally(done=2)
        told = ("state", "attempt", "max_attempts", "crashes", "finished_at", "started_at", "claimed_at", "lease_token")
        columns = set(Run.objects.values_list(*told))
        assert columns == {("pending", 6, 12, 0, None, None, None, None)}
        assert set(RunEvent.objects.values_list("kind", "note", "actor", "attempt")) == {
            ("requeued", "The store is back", "tests", 6)
        }
        assert {str(event.data) for event in RunEvent.objects.all()} == {"{'was': 'dead', 'error': 'no'}"}

    def test_the_attempts_before_it_are_what_it_had_at_first_however_often_it_is_retried(self, dead, actor) -> None:
        dead(3, max_attempts=6)
        for times in range(1, 5):
            bulk.retry_failed(count_failed(), actor=actor, why="again")
            assert set(Run.objects.values_list("attempt", "max_attempts")) == {(6 * times, 6 * times + 6)}
            Run.objects.update(state="dead", finished_at=clock.now(), attempt=6 * times + 6)

    def test_the_rule_for_attempts_is_one_and_pure(self) -> None:
        assert requeue.attempts_after(6, 6, 0) == 12
        assert requeue.attempts_after(12, 12, 1) == 18
        assert requeue.attempts_after(2, 6, 0) == 8
        assert requeue.attempts_after(1, 1, 0) == 2
        assert requeue.attempts_after(31_999, 32_000, 0) == 32_000

    @pytest.mark.parametrize(
        ("how", "found"),
        [
            ({}, {"old", "new", "other", "billing", "defined"}),
            ({"queues": ["billing"]}, {"billing"}),
            ({"queues": []}, set()),
            ({"job": "tests.job_1"}, {"other"}),
            ({"job": "tests.renamed"}, {"other"}),
            ({"definition": "Numbers"}, {"defined"}),
            ({"definition": "Letters"}, set()),
            ({"error_code": "timeout"}, {"new"}),
            ({"since": "noon"}, {"new", "other", "billing", "defined"}),
            ({"until": "noon"}, {"old"}),
            ({"created_since": "noon"}, {"new", "other", "billing", "defined"}),
            ({"limit": 2}, {"old", "new"}),
            ({"among": ["cancelled"]}, {"cancelled"}),
        ],
    )
    def test_what_it_is_about_can_be_narrowed(self, noop, dead, job, actor, how, found) -> None:
        other = job(lambda ctx, params: None, aliases=("tests.renamed",))
        definition = JobDefinition.objects.create(name="Numbers", job="tests.job_0")
        with clock.frozen(clock.now()) as time:
            made = {"old": dead(1)}
            noon = time.advance(60)
            time.advance(60)
            made["new"] = dead(1, error_code="timeout")
            made["other"] = dead(1, job=other.name)
            made["billing"] = dead(1, queue="billing")
            made["defined"] = dead(1, definition=definition)
            made["cancelled"] = dead(1, state="cancelled")
            given = {name: noon if value == "noon" else value for name, value in how.items()}
            bulk.retry_failed(count_failed(**given), actor=actor, why="?")
        assert {name for name, (row,) in made.items() if state_of(row.id) == "pending"} == found

    def test_one_that_fails_again_meanwhile_is_not_retried_again(self, dead, actor) -> None:
        rows = dead(4)
        what = count_failed()
        for _ in bulk.in_chunks(bulk.RETRY, what, actor=actor, why="?", size=2):
            Run.objects.filter(state="pending").update(state="dead", finished_at=clock.now())
        assert RunEvent.objects.count() == len(rows)
        assert bulk.retry_failed(what, actor=actor, why="?").tally == bulk.Tally()  # they failed after the count

    def test_one_whose_key_has_a_live_run_is_left_alone_and_counted(self, dead, waiting, actor) -> None:
        waiting(1, dedupe_key="day:2")
        first, blocked, same, plain = dead(4, keys=["day:1", "day:2", "day:1"])
        did = bulk.retry_failed(count_failed(), actor=actor, why="?")
        assert did.tally == bulk.Tally(done=2, blocked=2)
        assert in_state("dead") == {blocked.id, same.id}  # of two with one key the older goes back
        assert {first.id, plain.id} < in_state("pending")
        assert RunEvent.objects.count() == 2

    def test_a_key_that_is_taken_between_the_look_and_the_writing_costs_that_run_alone(
        self, dead, waiting, actor, monkeypatch
    ) -> None:
        """Somebody asks for the same key just after the look: the index refuses, and it is looked at again."""
        rows, looks = dead(3, keys=["day:1"]), []
        free = requeue._free

        def late(seen):
            found = free(seen)
            if not looks:
                waiting(1, dedupe_key="day:1")
            looks.append(len(found))
            return found

        monkeypatch.setattr(requeue, "_free", late)
        did = bulk.retry_failed(count_failed(), actor=actor, why="?")
        assert (did.tally, looks) == (bulk.Tally(done=2, blocked=1), [3, 2])
        assert state_of(rows[0].id) == "dead"

    def test_a_key_that_never_stands_still_leaves_the_runs_with_keys_out(
        self, dead, waiting, actor, monkeypatch
    ) -> None:
        rows = dead(3, keys=["day:1"])
        waiting(1, dedupe_key="day:1")
        monkeypatch.setattr(requeue, "_free", list)  # always looks free, never is
        assert bulk.retry_failed(count_failed(), actor=actor, why="?").tally == bulk.Tally(done=2, blocked=1)
        assert state_of(rows[0].id) == "dead"

    def test_the_audit_log_tells_it_once_with_filter_and_count(self, dead, actor) -> None:
        dead(5)
        bulk.retry_failed(count_failed(queues=[QUEUE], error_code="store_away", limit=3), actor=actor, why="Back")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.object_label, entry.why) == ("run.retry_many", "3 runs", "Back")
        assert (entry.after["count"], entry.after["queues"], entry.after["error_code"]) == (3, [QUEUE], "store_away")

    def test_ids_are_named_up_to_fifty_and_counted_beyond(self, dead, actor) -> None:
        few, many = Choice(states=("dead",), ids=(uuid4(),)), Choice(states=("dead",), ids=tuple([uuid4()] * 51))
        assert few.told()["ids"] == [str(few.ids[0])]
        assert many.told()["ids"] == "51 ids"
