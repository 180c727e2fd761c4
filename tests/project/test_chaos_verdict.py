"""The judge of a chaos run: what was planted is found, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from project.chaos.facts import STILL, Done, Hold, Journal, Lease, Ran, Record
from project.chaos.verdict import duplicate_effects, judge

LIMITS = {"billing": 1, "reports": 8}


def run(number: int, *, key: str = "", state: str = "succeeded", at: float = 0.0) -> Record:
    """A run that went as it should: leased at `at`, its effect half a second later, then ended."""
    name, token = f"order-{number}", f"token-{number}"
    return Record(
        runs=[Ran(f"run-{number}", name, "chaos.invoice", state)],
        holds=[Hold(f"run-{number}", token, "w", "billing", key, at, at + 1, state, "7")],
        leases=[Lease(token, "billing", "w", at, at + 1)],
        done=[Done(name, f"run-{number}", token, at + 0.5)],
    )


def together(*records: Record) -> Record:
    whole = Record()
    for record in records:
        for name in ("runs", "holds", "leases", "done", "orders"):
            getattr(whole, name).extend(getattr(record, name))
    return whole


def test_a_run_in_which_all_went_well_is_clean() -> None:
    record = together(run(1), run(2, at=1.0), run(3, key="c", at=2.0), run(4, key="c", at=3.0))
    verdict = judge(record, Journal({"order-1": "run-1"}), LIMITS)
    assert verdict.clean
    assert (verdict.jobs, verdict.completed, verdict.reran) == (4, 4, 0)


def test_a_planted_loss_is_found_whatever_its_kind() -> None:
    unfinished = run(1, state="pending")
    without_effect = run(2, at=1.0)
    without_effect.done.clear()
    gone = Journal({"order-9": "run-9"})
    without_run = Record(orders=["order-8"])
    verdict = judge(together(unfinished, without_effect, without_run, run(3, at=2.0)), gone, LIMITS)
    assert len(verdict.lost) == 4
    assert (verdict.jobs, verdict.completed) == (5, 1)
    assert not verdict.clean


def test_a_planted_duplicate_is_found_and_counted() -> None:
    record = run(1)
    record.done += [replace(record.done[0], at=0.6), replace(record.done[0], at=0.7)]
    verdict = judge(record, Journal(), LIMITS)
    assert duplicate_effects(verdict) == 2
    assert not verdict.clean


def test_a_planted_overlap_of_a_queue_of_one_is_found() -> None:
    verdict = judge(together(run(1), run(2, at=0.999)), Journal(), LIMITS)
    assert len(verdict.overlaps) == 1
    assert "queue billing: 2 leases" in verdict.overlaps[0]


def test_a_lease_that_never_ended_overlaps_with_every_later_one_and_is_told() -> None:
    first = run(1)
    first.leases[0] = replace(first.leases[0], closed=STILL)
    verdict = judge(together(first, run(2, at=50.0)), Journal(), LIMITS)
    assert len(verdict.overlaps) == 1
    assert verdict.slots_left == 1


def test_two_leases_that_touch_do_not_overlap() -> None:
    assert not judge(together(run(1), run(2, at=1.0)), Journal(), LIMITS).overlaps


def test_a_key_in_two_leases_at_once_is_found_and_one_lease_may_hold_many_runs_of_it() -> None:
    first, second = run(1, key="c"), run(2, key="c", at=0.5)
    for record in (first, second):
        record.leases.clear()
    assert len(judge(together(first, second), Journal(), LIMITS).overlaps) == 1
    same = replace(second.holds[0], token="token-1")
    second.holds[0], second.done[0] = same, replace(second.done[0], token="token-1")
    assert not judge(together(first, second), Journal(), LIMITS).overlaps


def test_a_key_held_over_a_gap_by_one_token_is_held_in_the_gap_too() -> None:
    """One token's runs: the first ended early, the last late. Another token in between is an overlap."""
    first, last, between = run(1, key="c"), run(2, key="c", at=4.0), run(3, key="c", at=2.0)
    for record in (first, last, between):
        record.leases.clear()
    last.holds[0], last.done[0] = replace(last.holds[0], token="token-1"), replace(last.done[0], token="token-1")
    assert len(judge(together(first, last, between), Journal(), LIMITS).overlaps) == 1


def test_an_effect_committed_after_its_lease_is_found() -> None:
    record = run(1)
    record.done[0] = replace(record.done[0], at=1.2)
    assert len(judge(record, Journal(), LIMITS).outside) == 1


def test_an_effect_under_a_token_that_is_not_the_runs_is_found() -> None:
    record = run(1)
    record.done[0] = replace(record.done[0], token="another")
    assert len(judge(record, Journal(), LIMITS).outside) == 1


def test_an_effect_that_came_with_the_ending_belongs_to_the_endings_transaction() -> None:
    record = run(1)
    record.done[0] = Done("order-1", "run-1", "", at=1.1, xid="7")
    assert judge(record, Journal(), LIMITS).clean
    record.done[0] = Done("order-1", "run-1", "", at=0.9, xid="8")
    assert len(judge(record, Journal(), LIMITS).outside) == 1


def test_what_was_rolled_back_must_not_be_there() -> None:
    journal = Journal(void=frozenset({"order-1"}), in_order=frozenset({"order-1"}))
    assert judge(run(1), journal, LIMITS).phantoms
    half = Journal(in_order=frozenset({"order-1"}))  # the run without the business row of its transaction
    assert judge(run(1), half, LIMITS).phantoms
    whole = together(run(1), Record(orders=["order-1"]))
    assert judge(whole, half, LIMITS).clean


def test_those_that_are_meant_to_die_are_left_out() -> None:
    verdict = judge(together(run(1, state="dead"), run(2, at=1.0)), Journal(), LIMITS, may_die=frozenset({"order-1"}))
    assert verdict.clean
    assert verdict.jobs == 1
