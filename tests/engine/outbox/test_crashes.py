"""Who makes a call dies at any point: it is done once, or honestly unknown; never blindly sent again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from queues import failpoints
from queues.errors import RunTimeout
from queues.models import Run
from queues.outbound import Answer, OutcomeUnknown, Refused

from .conftest import KEY, row, settle

ROOT = Path(__file__).resolve().parents[3]
POINTS = ["call.posted", "call.taken", "call.sent", "call.settled"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window")]


class Killed(BaseException):
    """What a process meets that is killed at a point."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The next arrival at this point is the last thing that happens."""

    def arm(point: str) -> None:
        def reach(name: str) -> None:
            if name == point:
                monkeypatch.setattr(failpoints, "reach", lambda name: None)
                raise Killed(name)

        monkeypatch.setattr(failpoints, "reach", reach)

    return arm


@pytest.mark.parametrize("looks_up", [True, False], ids=["looked up", "no look-up"])
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_any_point_leads_to_one_execution_where_keys_are_honoured(
    client, outside, asker, dying, point, looks_up
) -> None:
    client.looks_up, one = looks_up, asker()
    dying(point)
    with pytest.raises(Killed):
        one.call()
    assert one.call().response["id"] == "op-1"
    assert outside.times(KEY) == 1 and len(set(outside.asked)) == 1 and row().state == "done"


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_never_leads_to_a_blind_second_sending_where_keys_are_not_honoured(
    client, outside, asker, dying, time, point
) -> None:
    client.honours_idempotency_keys = client.looks_up = outside.honours = False
    one = asker()
    dying(point)
    with pytest.raises(Killed):
        one.call()
    in_doubt = point in ("call.taken", "call.sent")
    for _ in range(2):
        if in_doubt:
            with pytest.raises(OutcomeUnknown) as caught:
                one.call()
            assert not caught.value.permanent and caught.value.code == "outcome_unknown"
        else:
            one.call()
        time.advance(100_000)
        settle()
    assert len(outside.asked) == (0 if point == "call.taken" else 1)
    assert row().state == ("unknown" if in_doubt else "done")
    assert not in_doubt or row().next_at is None, "it waits for a person"


def test_what_was_surely_not_done_is_sent_again_once_it_can_no_longer_land(client, outside, asker, dying, time) -> None:
    client.honours_idempotency_keys = outside.honours = False
    one = asker()
    dying("call.taken")
    with pytest.raises(Killed):
        one.call()
    with pytest.raises(OutcomeUnknown) as caught:
        one.call()
    assert outside.asked == [] and caught.value.after_s == 70
    time.advance(70)
    assert one.call().response["id"] == "op-1"


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_process_leaves_one_execution(client, outside, asker, point) -> None:
    one = asker()
    ctx = one.execution()
    code = (
        "import django; django.setup()\n"
        "from uuid import UUID\nfrom queues import failpoints\nfrom queues.outbound import OutboundRequest\n"
        "from queues.engine import outbox\nfrom tests.engine.outside import Client\n"
        f"outbox.provider(Client({outside.port}))\nfailpoints.arm({point!r})\n"
        f"outbox.call(OutboundRequest({KEY!r}, 'outside', 'charge', {{'amount': '12.50'}}),"
        f" run_id=UUID('{ctx.run_id}'), lease=UUID('{ctx.token}'))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=beside(), capture_output=True, text=True)
    assert ran.returncode == -9, ran.stderr[-3000:]
    before = {"call.posted": "pending", "call.taken": "sending", "call.sent": "sending", "call.settled": "done"}
    assert row().state == before[point] and outside.times(KEY) == (point in ("call.sent", "call.settled"))
    assert one.call().response["id"] == "op-1"
    assert outside.times(KEY) == 1 and row().state == "done"


def beside() -> dict[str, str]:
    """The environment of another process on the tests' own database."""
    told = connection.settings_dict
    place = f"sqlite:///{told['NAME']}"
    if connection.vendor == "postgresql":
        place = f"postgres://{told['USER']}@{told['HOST']}:{told['PORT']}/{told['NAME']}"
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings.test", "DATABASE_URL": place}


def test_a_refusal_that_was_not_heard_is_looked_up(client, outside, asker, dying) -> None:
    outside.moods.append("refuse")
    one = asker()
    dying("call.sent")
    with pytest.raises(Killed):
        one.call()
    with pytest.raises(Refused):
        one.call()
    assert row().state == "refused" and len(outside.asked) == 1


def test_nothing_is_sent_again_for_a_run_that_is_over(client, outside, asker, time, dying) -> None:
    client.looks_up = False
    one = asker()
    dying("call.taken")
    with pytest.raises(Killed):
        one.call()
    one.lose()
    Run.objects.filter(pk=one.run_id).update(state="dead", finished_at=time.now())
    time.advance(70)
    assert settle() == ["unknown"] and row().next_at is None and outside.asked == []


def test_a_call_whose_run_is_over_is_looked_up_at_once(client, outside, asker, dying) -> None:
    one = asker()
    dying("call.sent")
    with pytest.raises(Killed):
        one.call()
    assert settle() == [], "its run is held: it may be sending"
    one.lose()
    assert settle() == ["done"]


def test_an_interrupt_in_the_middle_makes_it_unknown_and_goes_on(client, asker, monkeypatch) -> None:
    def send(call: Any) -> Answer:
        raise RunTimeout("The run took too long.")

    monkeypatch.setattr(client, "send", send)
    with pytest.raises(RunTimeout):
        asker().call()
    assert row().state == "unknown" and "RunTimeout" in row().error
