"""No answer was heard: the provider's books tell, or the same key while it counts; else it stays unknown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from queues.outbound import OutcomeUnknown

from .conftest import KEY, closed_port, row, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window")]


@pytest.mark.parametrize(("mood", "times"), [("drop", 1), ("lose", 0)])
def test_a_dropped_connection_makes_it_unknown_and_the_books_tell(client, outside, asker, time, mood, times) -> None:
    client.honours_idempotency_keys = outside.honours = False
    outside.moods.append(mood)
    one = asker()
    with pytest.raises(OutcomeUnknown):
        one.call()
    assert (row().state, outside.times(KEY)) == ("unknown", times)
    time.advance(60)
    assert settle() == ["done" if times else "pending"]
    assert one.call().response["id"] == "op-1" and outside.times(KEY) == 1


def test_a_provider_that_answers_too_late_is_unknown_and_looked_up(client, outside, asker) -> None:
    client.timeout_s = 0.2
    outside.moods.append("hang")
    one = asker()
    with pytest.raises(OutcomeUnknown, match="TimeoutError"):
        one.call()
    assert one.call().response["id"] == "op-1"
    assert len(outside.asked) == 1 and outside.times(KEY) == 1


def test_while_the_books_are_closed_it_stays_unknown(client, outside, asker, time) -> None:
    outside.moods.append("drop")
    one = asker()
    with pytest.raises(OutcomeUnknown):
        one.call()
    port, client.port = client.port, closed_port()
    time.advance(60)
    assert settle() == ["unknown"] and "; looked up: ConnectionRefusedError" in row().error
    assert row().next_at == time.now() + timedelta(seconds=30)
    client.port = port
    time.advance(30)
    assert settle() == ["done"] and len(outside.asked) == 1


def test_the_same_idempotency_key_is_used_only_while_its_window_is_open(client, outside, asker, time) -> None:
    client.looks_up = False
    outside.moods.append("drop")
    one = asker()
    with pytest.raises(OutcomeUnknown):
        one.call()
    time.advance(client.replay_window_s - client.lands_within_s)
    with pytest.raises(OutcomeUnknown) as caught:
        one.call()
    assert len(outside.asked) == 1 and caught.value.after_s is None
    assert settle() == [] and row().state == "unknown"


def test_not_sent_the_second_time_does_not_make_the_first_time_certain(client, outside, asker, time) -> None:
    client.looks_up = False
    outside.moods += ["drop", "turn away"]
    one = asker()
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            one.call()
    assert len(outside.asked) == 2 and row().state == "unknown" and row().sent_at == time.now()
    assert row().next_at == time.now() + timedelta(seconds=60), "the first may still be under way"
    outside.answers.clear()  # the provider has forgotten the key
    time.advance(client.replay_window_s)
    with pytest.raises(OutcomeUnknown):
        one.call()
    assert outside.times(KEY) == 1
