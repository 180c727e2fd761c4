"""Whose word about a call counts: its sender's, a late one's, and a person's."""

from __future__ import annotations

import pytest

from queues.engine import outbox
from queues.errors import WrongState
from queues.ledger import outbox as ledger
from queues.models import AuditEntry
from queues.outbound import OutcomeUnknown

from .conftest import ASKED, KEY, row, settle, taken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window")]


def test_a_call_has_one_sender(client) -> None:
    held = taken()
    assert ledger.take(row().pk, lands_within_s=60) is None
    assert ledger.settle(held, ledger.Word("done", {"id": 1}))
    assert not ledger.settle(held, ledger.Word("refused"))
    assert row().state == "done"


def test_a_late_word_under_an_old_token_changes_nothing(client, time) -> None:
    old = taken()
    ledger.give_up(row(), "gone")
    new = ledger.take_again(row(), lands_within_s=60)
    for word in (ledger.Word("done", {"id": "late"}), ledger.Word("pending"), ledger.Word("unknown")):
        assert not ledger.settle(old, word)
    assert row().token == new.token and row().state == "sending"


def test_not_sent_by_who_sends_again_leaves_it_unknown(client, time) -> None:
    taken()
    ledger.give_up(row(), "gone")
    since = row().sent_at
    time.advance(5)
    again = ledger.take_again(row(), lands_within_s=60)
    assert ledger.settle(again, ledger.Word("pending", error="busy", next_at=time.now()))
    assert (row().state, row().sent_at, row().token, row().attempts) == ("unknown", since, None, 2)


def test_the_last_senders_late_word_counts_while_nobody_has_decided(client, time) -> None:
    held = taken()
    ledger.give_up(row(), "gone")
    assert not ledger.settle(held, ledger.Word("unknown"))
    assert ledger.settle(held, ledger.Word("done", {"id": "late"}))
    assert row().state == "done" and row().response == {"id": "late"}


def test_a_call_is_taken_from_a_silent_sender_in_time(client, outside, time) -> None:
    taken()
    time.advance(69)
    assert settle() == []
    time.advance(1)
    assert settle() == ["done"] and outside.times(KEY) == 1


@pytest.mark.parametrize(
    ("outcome", "state", "times"), [("done", "done", 0), ("refused", "refused", 0), ("pending", "done", 1)]
)
def test_a_person_settles_an_unknown_call_with_a_reason(client, outside, time, actor, outcome, state, times) -> None:
    client.looks_up = client.honours_idempotency_keys = False
    taken()
    time.advance(70)
    assert settle() == ["unknown"]
    with pytest.raises(WrongState, match="Say why"):
        outbox.resolve(row().pk, outcome, actor=actor, why=" ")
    outbox.resolve(row().pk, outcome, actor=actor, why="Asked them by telephone.", response={"id": "told"})
    settle()
    assert (row().state, outside.times(KEY)) == (state, times)
    entry = AuditEntry.objects.get(action="call.resolve")
    assert (entry.before, entry.after) == ({"state": "unknown"}, {"state": outcome})
    assert entry.why == "Asked them by telephone." and entry.object_id == str(row().pk)


def test_a_persons_answer_is_the_answer_that_its_run_gets(client, outside, asker, time, actor) -> None:
    client.looks_up = client.honours_idempotency_keys = False
    outside.moods.append("drop")
    one = asker()
    with pytest.raises(OutcomeUnknown):
        one.call()
    outbox.resolve(row().pk, "done", actor=actor, why="Seen in their books.", response={"id": "op-1"})
    assert one.call().response == {"id": "op-1"}


def test_a_person_withdraws_a_call_that_was_not_sent(client, outside, actor) -> None:
    outbox.post(ASKED)
    outbox.resolve(row().pk, "refused", actor=actor, why="The customer left.")
    assert settle() == [] and outside.asked == []
    with pytest.raises(WrongState):
        outbox.resolve(row().pk, "pending", actor=actor, why="No, send it.")


def test_a_call_that_is_being_sent_is_nobodys_to_settle(client, actor) -> None:
    taken()
    with pytest.raises(WrongState, match="being sent"):
        outbox.resolve(row().pk, "done", actor=actor, why="In a hurry.")
