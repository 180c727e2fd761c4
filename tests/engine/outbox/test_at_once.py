"""Many who ask, or send what was posted, at the same moment: each call has one sender."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from queues.engine import outbox
from queues.engine.context import RunContext
from queues.models import OutboundCall
from queues.outbound import Answer, OutboundRequest, OutcomeUnknown

from ..conftest import until
from .conftest import ASKED, KEY, row, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window")]


def in_threads(*calls: Callable[[], object]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_of_many_who_ask_at_once_one_sends(client, outside, asker) -> None:
    contexts, ends = [asker().execution() for _ in range(6)], []
    together = threading.Barrier(len(contexts))

    def ask(ctx: RunContext) -> None:
        together.wait(10)
        try:
            ends.append(ctx.call(ASKED).response["id"])
        except OutcomeUnknown:
            ends.append("busy")
        finally:
            connections.close_all()

    in_threads(*[lambda ctx=ctx: ask(ctx) for ctx in contexts])
    assert len(ends) == 6 and set(ends) <= {"op-1", "busy"} and "op-1" in ends
    assert len(outside.asked) == 1 and row().state == "done"


def test_of_many_runs_that_settle_at_once_one_sends_each_call(client, outside) -> None:
    keys = [f"mail:{n}" for n in range(10)]
    for key in keys:
        outbox.post(OutboundRequest(key, "outside", "mail"))
    in_threads(*[lambda: (settle(), connections.close_all()) for _ in range(4)])
    assert len(outside.asked) == 10 and all(outside.times(key) == 1 for key in keys)
    assert set(OutboundCall.objects.values_list("state", flat=True)) == {"done"}


def test_two_threads_of_one_run_do_not_take_each_other_for_dead(client, outside, asker) -> None:
    client.honours_idempotency_keys = outside.honours = False
    ctx = asker().execution()
    outside.moods.append("hang")
    heard: list[Answer] = []
    slow = threading.Thread(target=lambda: (heard.append(ctx.call(ASKED)), connections.close_all()))
    slow.start()
    until(lambda: outside.times(KEY) == 1)
    with pytest.raises(OutcomeUnknown, match="being sent"):
        ctx.call(ASKED)
    outside.go_on.set()
    slow.join(10)
    assert heard and len(outside.asked) == 1
