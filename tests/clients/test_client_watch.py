"""A run's news until it ends, each told once, whatever the network does meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from roundsman_client import ApiError, Client, Event
from roundsman_client.sse import events, lines

from queues.models import Run

from .conftest import JOB, Naps, begin, end, writes
from .faults import LosesAnswers, Refuses

SignedIn = Callable[..., Client]


def asked(client: Client) -> str:
    return client.run_job(JOB, {"tons": 3}).id


def messages(found: list[Event]) -> list[str]:
    return [event.data["message"] for event in found if event.kind == "log"]


class Life:
    """What happens to one run between a client's looks."""

    def __init__(self) -> None:
        self.id = ""
        self.naps = Naps(self.first, lambda: None, self.second, self.last)

    def first(self) -> None:
        begin(self.id, progress_done=1, progress_total=4)
        writes(self.id, "load 0", "load 1")

    def second(self) -> None:
        Run.objects.filter(pk=self.id).update(progress_done=3, progress_note="nearly")
        writes(self.id, "load 2")

    def last(self) -> None:
        writes(self.id, "load 3")
        end(self.id)


KINDS = ["state", "state", "log", "log", "progress", "log", "progress", "state", "log", "end"]


def test_a_stream_that_ends_is_taken_up_again_until_the_run_ends(signed_in: SignedIn) -> None:
    life = Life()
    client = signed_in(sleep=life.naps)
    life.id = asked(client)
    found = list(client.watch(life.id))
    assert messages(found) == ["load 0", "load 1", "load 2", "load 3"]
    assert [event.kind for event in found] == KINDS
    assert found[-1].data == {"state": "succeeded", "result": {"tons": 3}, "error": None}
    assert list(client.watch(life.id, last_id=found[-1].id)) == []
    assert messages(list(client.watch(life.id, last_id=found[2].id))) == ["load 1", "load 2", "load 3"]


def test_where_there_is_no_stream_it_is_asked_now_and_then(signed_in: SignedIn) -> None:
    life = Life()
    client = signed_in(sleep=life.naps)
    life.id = asked(client)
    client.close()
    way = Refuses(406, 99, f"/api/v1/runs/{life.id}/stream")
    client = signed_in(sleep=life.naps, transport=way)
    found = list(client.watch(life.id))
    assert messages(found) == ["load 0", "load 1", "load 2", "load 3"]
    assert [event.kind for event in found] == KINDS and way.seen == 5
    assert found[-1].data["result"] == {"tons": 3} and found[-1].id.endswith(".end")


def test_a_connection_that_breaks_is_made_anew(signed_in: SignedIn) -> None:
    run_id = asked(signed_in())
    writes(run_id, "load 0")
    way, naps = LosesAnswers(f"/api/v1/runs/{run_id}/stream", times=2), Naps(lambda: None, lambda: end(run_id))
    found = list(signed_in(transport=way, sleep=naps).watch(run_id))
    assert messages(found) == ["load 0"] and found[-1].kind == "end" and naps.took_s == [2.0, 4.0]


def test_a_run_that_there_is_not_is_told(signed_in: SignedIn) -> None:
    with pytest.raises(ApiError) as refused:
        list(signed_in().watch("00000000-0000-7000-8000-000000000000"))
    assert refused.value.status == 404


def test_a_run_out_of_reach_is_told(signed_in: SignedIn) -> None:
    run_id = asked(signed_in())
    with pytest.raises(ApiError) as refused:
        list(signed_in("driver").watch(run_id))
    assert refused.value.status in (403, 404)


def test_events_are_read_however_their_bytes_are_cut() -> None:
    told = b'retry: 2000\r\n\r\n: still here\n\nid: 7\nevent: log\ndata: {"message":"\xc3\xa4 \xe2\x80\xa8"}\n\nid: 8\nevent: end\ndata: {"state"'
    for size in (1, 2, 7, 500):
        cut = [told[at : at + size] for at in range(0, len(told), size)]
        assert list(events(lines(cut))) == [Event("log", {"message": "ä \u2028"}, "7")]
