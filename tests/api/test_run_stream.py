"""A run's events as they come: told once, resumed, bounded, and only for those who may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from project.one_hop import OneHopHandler
from queues.api import run_stream
from queues.api.hub import Hub, Pace, Places
from queues.api.run_telling import COME_AGAIN, HEARTBEAT, Teller, last_id
from queues.ledger import clock
from queues.ledger.requests import new_id
from queues.models import ApiKey, Run, RunLogLine, TokenFamily
from queues.watch.listeners import Badge
from queues.watch.run_news import News, Wanted, look

As = Callable[[str], APIClient]
MakeRun = Callable[..., Run]
QUICK = Pace(look_s=0.01, heartbeat_s=60, lasts_s=60)
ROW = {
    "id": new_id(), "queue": "billing", "state": "running", "attempt": 1, "max_attempts": 6, "due_at": clock.at_hand(),
    "started_at": clock.at_hand(), "finished_at": None, "cancel_requested_at": None, "progress_done": None,
    "progress_total": None, "progress_note": "", "result": None, "error_type": "", "error_code": "",
    "error_message": "",
}  # fmt: skip


def line(number: int) -> dict[str, Any]:
    return {"id": number, "at": clock.at_hand(), "attempt": 1, "level": "info", "message": f"line {number}\nand on"}


def named(events: Sequence[bytes]) -> list[tuple[str, str]]:
    """(event, id) of each."""
    told = [dict(part.split(": ", 1) for part in event.decode().strip().split("\n")) for event in events]
    return [(each["event"], each["id"]) for each in told]


def data(event: bytes) -> Any:
    return json.loads(event.decode().split("data: ", 1)[1])


class TestTelling:
    def test_only_what_has_changed_is_told_again(self) -> None:
        teller = Teller()
        assert named([*teller.tell(News(True, ROW))]) == [("state", "0")]
        assert [*teller.tell(News(True, ROW))] == []
        further = {**ROW, "progress_done": 1.0, "progress_total": 2.0}
        assert named([*teller.tell(News(True, further, [line(7)]))]) == [("log", "7"), ("progress", "7")]
        assert named([*teller.tell(News(True, {**further, "attempt": 2}))]) == [("state", "7")]

    def test_the_end_comes_last_with_the_result_and_only_after_all_lines(self) -> None:
        teller, ended = Teller(), {**ROW, "state": "succeeded", "result": {"tons": 3}}
        assert named([*teller.tell(News(True, ended, [line(1)], more=True))]) == [("state", "0"), ("log", "1")]
        events = [*teller.tell(News(True, ended, [line(2)]))]
        assert named(events) == [("log", "2"), ("end", "2.end")]
        assert data(events[-1]) == {"state": "succeeded", "result": {"tons": 3}, "error": None}

    def test_a_line_with_line_breaks_is_one_event(self) -> None:
        told = [*Teller().tell(News(True, ROW, [line(1)]))][-1]
        assert told.count(b"\n") == 4 and data(told)["message"] == "line 1\nand on"

    @pytest.mark.parametrize(
        ("header", "found"),
        [("17", (17, False)), ("17.end", (17, True)), ("0", (0, False)), ("x", None), ("-1", None), ("9" * 19, None)],
    )
    def test_what_the_last_id_says(self, header: str, found: Any) -> None:
        assert last_id(header) == found


async def events_of(seconds: float, of: Hub, room: Places | None = None, wanted: Wanted | None = None) -> list[bytes]:
    wanted = wanted or Wanted(ROW["id"], Badge(1))
    return [event async for event in run_stream.stream(wanted, room or Places(), seconds, of)]


def by_looks(*looks: News) -> Callable[[Sequence[Wanted]], list[News]]:
    """A hub's look that tells these one after the other, and the last for ever."""
    left = list(looks)
    return lambda wanted: [left.pop(0) if len(left) > 1 else left[0]] * len(wanted)


class TestStreams:
    def test_it_ends_with_the_run(self) -> None:
        ended = {**ROW, "state": "dead", "error_type": "ValueError"}

        async def run() -> list[bytes]:
            return await events_of(
                10, Hub(QUICK, by_looks(News(True, ROW), News(True, ROW, [line(4)]), News(True, ended)))
            )

        first, *told = asyncio.run(run())
        assert first.startswith(b"retry:")
        assert named(told) == [("state", "0"), ("log", "4"), ("state", "4"), ("end", "4.end")]
        assert data(told[-1])["error"]["type"] == "ValueError"

    def test_a_silence_is_filled_and_the_time_ends_with_a_word(self) -> None:
        async def run() -> list[bytes]:
            return await events_of(0.2, Hub(Pace(0.01, 0.05, 60), by_looks(News(True, ROW))))

        _, _, *told = asyncio.run(run())
        assert told[-1] == COME_AGAIN and set(told[:-1]) == {HEARTBEAT} and len(told) >= 3

    def test_a_database_that_is_away_is_waited_for(self) -> None:
        looks = iter([DatabaseError("away"), News(True, {**ROW, "state": "succeeded"})])

        def one(wanted: Sequence[Wanted]) -> list[News]:
            found = next(looks)
            if isinstance(found, Exception):
                raise found
            return [found]

        async def run() -> list[bytes]:
            return await events_of(10, Hub(QUICK, one))

        assert named(asyncio.run(run())[1:]) == [("state", "0"), ("end", "0.end")]

    def test_one_look_is_for_all_listeners(self) -> None:
        asked: list[int] = []

        def all_of(wanted: Sequence[Wanted]) -> list[News]:
            asked.append(len(wanted))
            state = "succeeded" if len(asked) > 6 else "running"
            return [News(True, {**ROW, "state": state}) for _ in wanted]

        async def run() -> list[list[bytes]]:
            of, room = Hub(QUICK, all_of), Places(50)
            return await asyncio.gather(*[events_of(10, of, room) for _ in range(20)])

        assert all(named(told[1:])[-1][0] == "end" for told in asyncio.run(run()))
        assert max(asked) == 20 and len(asked) < 40

    def test_a_client_that_leaves_gives_its_place_back(self) -> None:
        room, of_all = Places(1), []

        async def run() -> None:
            of = Hub(QUICK, by_looks(News(True, ROW)))
            stream: AsyncIterator[bytes] = run_stream.stream(Wanted(ROW["id"], Badge(1)), room, 60, of)
            await anext(stream)
            of_all.append(room.is_free(1))
            assert await events_of(1, of, room) == [COME_AGAIN]
            await stream.aclose()  # type: ignore[attr-defined]
            of_all.append(room.is_free(1))
            assert not of._listeners

        asyncio.run(run())
        assert of_all == [False, True]

    def test_a_process_has_places_for_so_many_in_all(self) -> None:
        room = Places(2, 3)
        assert [room.take(user) for user in (1, 1, 1, 2, 3)] == [True, True, False, True, False]


@pytest.mark.django_db
class TestLooking:
    def wanted(self, run: Run, user: User, after: int = 0) -> Wanted:
        return Wanted(run.pk, Badge(user.pk, user.password), after)

    def test_lines_behind_the_last_one_are_found(self, a_run: MakeRun, people: dict[str, User]) -> None:
        run, other = a_run(), a_run("billing")
        rows = [
            RunLogLine.objects.create(run=each, at=clock.now(), attempt=1, message=str(n))
            for n, each in enumerate((run, other, run, other, run))
        ]
        user = people["manager"]
        mine, theirs = look([self.wanted(run, user, rows[0].pk), self.wanted(other, user)])
        assert [each["message"] for each in mine.lines] == ["2", "4"]
        assert [each["message"] for each in theirs.lines] == ["1", "3"]
        assert not mine.ended

    def test_it_takes_three_queries_however_many_listen(
        self, a_run: MakeRun, people: dict[str, User], django_assert_num_queries: Any
    ) -> None:
        them = [self.wanted(a_run(), people["manager"]) for _ in range(10)]
        with django_assert_num_queries(3):
            look(them)

    @pytest.mark.parametrize("how", ["role", "off", "password"])
    def test_who_may_no_more_hears_no_more(self, a_run: MakeRun, people: dict[str, User], how: str) -> None:
        user, run = people["manager"], a_run()
        wanted = self.wanted(run, user)
        assert look([wanted])[0].allowed
        if how == "role":
            user.groups.clear()
        elif how == "off":
            User.objects.filter(pk=user.pk).update(is_active=False)
        else:
            user.set_password("another-long-password-8")
            user.save()
        (news,) = look([wanted])
        assert (news.allowed, news.run, list(news.lines)) == (False, None, [])

    def test_a_sign_in_that_has_ended_hears_no_more(self, a_run: MakeRun, people: dict[str, User]) -> None:
        user, family, now = people["manager"], new_id(), clock.now()
        wanted = Wanted(a_run().pk, Badge(user.pk, user.password, family))
        assert look([wanted])[0].allowed
        TokenFamily.objects.create(pk=family, reason="signed_out", revoked_at=now, forget_at=now)
        assert not look([wanted])[0].allowed

    def test_a_key_hears_what_its_scope_reaches_until_it_is_revoked(
        self, a_run: MakeRun, people: dict[str, User]
    ) -> None:
        user, mine, other = people["manager"], a_run(), a_run("billing")
        ApiKey.objects.create(
            prefix="k1", name="a machine", owner=user, actions=["read"], queues=["route-optimization"],
            created_at=clock.now(), created_by="tests",
        )  # fmt: skip
        wanted = [Wanted(run.pk, Badge(user.pk, key="k1")) for run in (mine, other)]
        assert [news.allowed for news in look(wanted)] == [True, False]
        ApiKey.objects.update(revoked_at=clock.now())
        assert [news.allowed for news in look(wanted)] == [False, False]

    def test_a_superuser_hears_everything(self, a_run: MakeRun, people: dict[str, User]) -> None:
        User.objects.filter(pk=people["nobody"].pk).update(is_superuser=True)
        assert look([self.wanted(a_run(), people["nobody"])])[0].allowed


@pytest.mark.django_db
class TestWithoutAnEventLoop:
    """Each answer tells what there is; the client comes again."""

    def test_what_there_is_is_told_and_the_rest_next_time(self, as_: As, a_run: MakeRun) -> None:
        run, client = a_run(), as_("manager")
        url = f"/api/v1/runs/{run.pk}/stream"
        row = RunLogLine.objects.create(run=run, at=clock.now(), attempt=1, message="begun")
        answer = client.get(url, headers={"Accept": "text/event-stream"})
        assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/event-stream", "no-store")
        _, *told, last = answer.content.split(b"\n\n")[:-1]
        assert named(told) == [("state", "0"), ("log", str(row.pk))] and last + b"\n\n" == COME_AGAIN
        Run.objects.update(state="succeeded", finished_at=clock.now(), result={"tons": 3})
        again = client.get(url, headers={"Last-Event-ID": str(row.pk)})
        _, *told = again.content.split(b"\n\n")[:-1]
        assert named(told) == [("state", str(row.pk)), ("end", f"{row.pk}.end")]
        assert client.get(url, headers={"Last-Event-ID": f"{row.pk}.end"}).status_code == 204

    def test_an_id_that_we_never_gave_is_422(self, as_: As, a_run: MakeRun) -> None:
        answer = as_("manager").get(f"/api/v1/runs/{a_run().pk}/stream", headers={"Last-Event-ID": "x"})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "bad_event_id")


@pytest.mark.django_db(transaction=True)
def test_a_stream_goes_through_the_server_and_its_thread_is_free(people: dict[str, User], a_run: MakeRun) -> None:
    """Two streams beside each other on a server of one thread, which answers a third request meanwhile."""
    run = a_run()
    token = str(RefreshToken.for_user(people["manager"]).access_token)
    handler = OneHopHandler(1)

    async def get(path: str, heard: asyncio.Event | None = None) -> tuple[int, bytes]:
        sent: list[Any] = []
        messages = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Any:
            if messages:
                return messages.pop()
            await asyncio.Event().wait()
            return None

        async def send(message: Any) -> None:
            sent.append(message)
            if heard is not None and b"event: state" in message.get("body", b""):
                heard.set()

        scope = {
            "type": "http", "method": "GET", "path": path, "root_path": "", "query_string": b"", "scheme": "http",
            "headers": [(b"host", b"testserver"), (b"authorization", f"Bearer {token}".encode())],
            "client": ("127.0.0.1", 1),
        }  # fmt: skip
        await asyncio.wait_for(handler(scope, receive, send), 20)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])

    def end() -> None:
        from django.db import connection

        Run.objects.filter(pk=run.pk).update(state="succeeded", finished_at=clock.now(), result={"tons": 3})
        connection.close()

    async def all_of_it() -> list[tuple[int, bytes]]:
        url, heard = f"/api/v1/runs/{run.pk}", [asyncio.Event(), asyncio.Event()]
        streams = [asyncio.ensure_future(get(f"{url}/stream", each)) for each in heard]
        for each in heard:
            await asyncio.wait_for(each.wait(), 10)
        between = await get(f"{url}/progress")
        await asyncio.get_running_loop().run_in_executor(None, end)
        return [*await asyncio.gather(*streams), between]

    first, second, between = asyncio.run(all_of_it())
    assert between[0] == 200 and json.loads(between[1])["state"] == "pending"
    for status, body in (first, second):
        assert status == 200 and b'event: end\ndata: {"state":"succeeded","result":{"tons":3}' in body
