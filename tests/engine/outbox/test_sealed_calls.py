"""What is sealed in a call reaches its provider, and no row, error or answer that is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from queues.engine import outbox, providers
from queues.errors import IdempotencyConflict
from queues.ledger import clock
from queues.models import OutboundCall
from queues.outbound import Answer, Call, OutcomeUnknown, Refused

from .conftest import settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window")]
TO = "+43 660 123 45 67"
MAIL = {
    "key": "sms:C-17",
    "provider": "post",
    "operation": "sms",
    "request": {"text": "Tomorrow"},
    "sealed": {"to": TO},
}


class Post:
    """A provider that repeats in its answers what it was given. `mood`: what it answers."""

    name, honours_idempotency_keys, replay_window_s, lands_within_s = "post", False, 0.0, 5.0

    def __init__(self) -> None:
        self.mood, self.sent = "ok", []

    def send(self, call: Call) -> Answer:
        self.sent.append(dict(call.sealed))
        said = f"{call.sealed['to']} ({call.sealed['to'].replace(' ', '')})"
        if self.mood == "refuse":
            raise Refused(f"{said} is blocked", {"to": call.sealed["to"]})
        if self.mood == "lose":
            raise OSError(f"no word about {said}")
        return Answer({"id": "m-1", "to": call.sealed["to"], "words": said})

    def look_up(self, call: Call) -> Answer | None:
        return Answer({"id": "m-1", "to": call.sealed["to"]})


@pytest.fixture
def post() -> Iterator[Post]:
    known = Post()
    outbox.provider(known)
    yield known
    providers.forget(known.name)


def kept_of_calls() -> str:
    """What a reader of the table sees."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM queues_outboundcall")
        return str(cursor.fetchall())


@pytest.mark.parametrize(("mood", "state"), [("ok", "done"), ("refuse", "refused"), ("lose", "unknown")])
def test_what_is_sealed_reaches_the_provider_and_no_row(post, asker, mood: str, state: str) -> None:
    post.mood = mood
    try:
        answer = asker().call(**MAIL)
        assert answer.response == {"id": "m-1", "to": "•••", "words": "••• (+•••)"}
    except (Refused, OutcomeUnknown) as error:
        assert "123" not in str(error) and "•••" in str(error)
    assert post.sent == [{"to": TO}]
    call = OutboundCall.objects.get(key="sms:C-17")
    assert (call.state, call.opened) == (state, {"to": TO})
    assert "•••" in kept_of_calls() and "123 45" not in kept_of_calls() and "6601234567" not in kept_of_calls()


def test_a_call_that_is_looked_up_is_blotted_too(post, asker, time: clock.Fake) -> None:
    post.mood = "lose"
    with pytest.raises(OutcomeUnknown):
        asker().call(**MAIL)
    time.advance(10)
    assert settle() == ["done"]
    assert OutboundCall.objects.get(key="sms:C-17").response == {"id": "m-1", "to": "•••"}


def test_the_same_key_with_another_sealed_part_is_another_request(post, asker) -> None:
    asker().call(**MAIL)
    assert asker().call(**MAIL).response["id"] == "m-1" and len(post.sent) == 1
    with pytest.raises(IdempotencyConflict, match="another sealed part"):
        asker().call(**{**MAIL, "sealed": {"to": "+43 1 999 99 99"}})
