"""Staff's rules: stored and audited, read by a worker now and then, told to its children; never read for a job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connections

from queues.contract import Actor
from queues.engine.nursery import Child, Nursery
from queues.engine.tend import Tender, Tick
from queues.engine.wire import END, ENDED, RUN, pack_run, unpack_ending, unpack_notes
from queues.errors import TransientError
from queues.ledger import error_rules, states
from queues.ledger.facts import Claim, Ending
from queues.models import AuditEntry, ErrorRule

from .fake_window import FakeWindow

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class StoreAway(TransientError):
    """The store does not answer."""

    code = "store_away"


class Refusal(Exception):
    """A library's, with a code."""

    code = 4711


@pytest.fixture(autouse=True)
def as_shipped() -> Iterator[None]:
    """Each test begins and ends with no rules of staff in this process."""
    error_rules.adopt(b"[]")
    yield
    error_rules.adopt(b"[]")


@pytest.fixture
def write(db: None, actor: Actor) -> Callable[..., ErrorRule]:
    def make(error_type: str, error_code: str = "", **values: Any) -> ErrorRule:
        return error_rules.save_rule(error_type, error_code, **{"permanent": True, "actor": actor, **values})[0]

    return make


class TestWriting:
    def test_a_rule_is_stored_once_with_an_audit_entry(self, db: None, actor: Actor) -> None:
        rule, new = error_rules.save_rule(" StoreAway ", "store_away", permanent=True, note="It moved.", actor=actor, why="It is gone")  # fmt: skip
        assert new and (rule.error_type, rule.error_code, rule.permanent, rule.version) == ("StoreAway", "store_away", True, 1)  # fmt: skip
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.object_type, entry.object_id, entry.object_label) == ("error_rule.create", "error_rule", str(rule.pk), "StoreAway store_away")  # fmt: skip
        assert (entry.before, entry.after["permanent"], entry.why) == (None, True, "It is gone")

    def test_the_same_again_changes_it_and_tells_what_differs(self, write: Any, actor: Actor) -> None:
        first = write("StoreAway")
        rule, new = error_rules.save_rule("StoreAway", permanent=False, actor=actor)
        assert not new and (rule.pk, rule.permanent, rule.version) == (first.pk, False, 2)
        entry = AuditEntry.objects.latest("id")
        assert (entry.action, entry.before, entry.after) == ("error_rule.change", {"permanent": True}, {"permanent": False})  # fmt: skip

    def test_what_changes_nothing_is_not_audited(self, write: Any) -> None:
        write("StoreAway")
        assert write("StoreAway").version == 1
        assert AuditEntry.objects.count() == 1

    def test_a_rule_is_taken_back_with_an_audit_entry(self, write: Any, actor: Actor) -> None:
        error_rules.delete_rule(write("StoreAway"), actor=actor, why="It is back")
        assert not ErrorRule.objects.exists()
        entry = AuditEntry.objects.latest("id")
        assert (entry.action, entry.before["error_type"], entry.after) == ("error_rule.delete", "StoreAway", None)

    def test_a_rule_that_somebody_else_took_back_is_told(self, write: Any, actor: Actor) -> None:
        rule = write("StoreAway")
        ErrorRule.objects.all().delete()
        with pytest.raises(ErrorRule.DoesNotExist):
            error_rules.delete_rule(rule, actor=actor)

    @pytest.mark.parametrize(
        ("kind", "code", "field", "told"),
        [
            ("", "", "error_type", "class name"),
            ("requests.exceptions.ConnectTimeout", "", "error_type", "Perhaps ConnectTimeout?"),
            ("429", "", "error_type", "class name"),
            ("Store Away", "", "error_type", "class name"),
            ("StoreAway", "too many", "error_code", "no spaces"),
            ("StoreAway", "x" * 65, "error_code", "at most 64"),
            ("S" * 201, "", "error_type", "at most 200"),
        ],
    )
    def test_what_could_never_fit_an_error_is_refused_by_field(
        self, db: None, actor: Actor, kind: str, code: str, field: str, told: str
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            error_rules.save_rule(kind, code, permanent=True, actor=actor)
        assert list(caught.value.message_dict) == [field] and told in caught.value.message_dict[field][0]
        assert not ErrorRule.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_two_who_write_the_same_rule_at_once_make_one(self, actor: Actor) -> None:
        together, made = threading.Barrier(4), []

        def one(permanent: bool) -> None:
            together.wait()
            made.append(error_rules.save_rule("StoreAway", permanent=permanent, actor=actor)[1])
            connections.close_all()

        threads = [threading.Thread(target=one, args=(n % 2 == 0,)) for n in range(4)]
        [thread.start() for thread in threads]
        [thread.join(20) for thread in threads]
        assert sorted(made) == [False, False, False, True]
        assert ErrorRule.objects.count() == 1
        assert AuditEntry.objects.filter(action="error_rule.create").count() == 1


class TestReading:
    def test_a_rule_is_in_force_after_the_next_reading_and_gone_after_the_one_that_finds_it_gone(
        self, write: Any, actor: Actor
    ) -> None:
        rule = write("StoreAway")
        assert not error_rules.judge(StoreAway("x")).permanent
        error_rules.refresh()
        assert error_rules.judge(StoreAway("x")).by == "a rule of staff for StoreAway"
        error_rules.delete_rule(rule, actor=actor)
        error_rules.refresh()
        assert error_rules.judge(StoreAway("x")).source == "error"

    def test_a_reading_is_one_query_and_judging_is_none(self, write: Any, django_assert_num_queries: Any) -> None:
        for n in range(20):
            write(f"Error{n}")
        with django_assert_num_queries(1):
            error_rules.refresh()
        with django_assert_num_queries(0):
            for _ in range(100):
                error_rules.judge(StoreAway("x"))

    def test_while_the_database_is_away_what_was_known_holds(self, write: Any, monkeypatch: Any) -> None:
        write("StoreAway")
        error_rules.refresh()
        monkeypatch.setattr(ErrorRule.objects, "order_by", _away)
        with pytest.raises(OperationalError):
            error_rules.refresh()
        assert error_rules.judge(StoreAway("x")).permanent

    def test_a_worker_reads_them_every_two_seconds_and_no_oftener(self, write: Any) -> None:
        tender = Tender([], FakeWindow(), 5.0, [Tick("error rules", error_rules.EVERY_S, error_rules.refresh)])
        tender.ticks = tender.ticks[-1:]
        tender.round(100.0)
        write("StoreAway")
        tender.round(101.9)
        assert not error_rules.judge(StoreAway("x")).permanent
        tender.round(102.0)
        assert error_rules.judge(StoreAway("x")).permanent

    def test_what_is_told_to_others_is_the_same_object_until_the_rules_change(self, write: Any) -> None:
        write("StoreAway")
        error_rules.refresh()
        first = error_rules.told()
        error_rules.refresh()
        assert error_rules.told() is first
        write("Refusal", "4711", permanent=False)
        error_rules.refresh()
        error_rules.adopt(error_rules.told())
        assert set(error_rules.in_force().staff) == {("StoreAway", ""), ("Refusal", "4711")}
        assert error_rules.told() != first


def _away(*fields: str) -> Any:
    raise OperationalError("the server is away")


def refuses(ctx: Any, params: Any) -> None:
    """What the library raises depends on the rules of the process in which it runs: it tells how it is judged there."""
    verdict = error_rules.judge(Refusal("x"))
    ctx.log(f"{verdict.by}; permanent: {verdict.permanent}")


@pytest.mark.django_db(transaction=True)
class TestChildren:
    @pytest.fixture
    def child(self, job: Any) -> Iterator[tuple[Child, str]]:
        name = job(refuses).name
        connections.close_all()  # as a worker does it: its helper is forked before there are connections
        nursery = Nursery()
        nursery.start()
        hired = nursery.child(0)
        yield hired, name
        hired.wire.send(END)
        nursery.bury(hired)
        nursery.close()

    def test_a_child_goes_by_what_its_worker_tells_it_and_is_told_again_when_that_changes(
        self, child: tuple[Child, str], actor: Actor
    ) -> None:
        assert _says(child) == "no rule; permanent: False"
        rule, _ = error_rules.save_rule("Refusal", "4711", permanent=True, actor=actor)
        error_rules.refresh()
        assert _says(child) == "a rule of staff for Refusal 4711; permanent: True"
        error_rules.delete_rule(rule, actor=actor)
        error_rules.refresh()
        assert _says(child) == "no rule; permanent: False"

    def test_a_child_that_knows_is_not_told_again(self, child: tuple[Child, str], monkeypatch: Any) -> None:
        sent: list[bytes] = []
        monkeypatch.setattr(child[0].wire, "send", lambda kind, body=b"": sent.append(kind))
        child[0].teach()
        sent.clear()
        error_rules.adopt(b'[["Refusal", "", true]]')
        child[0].teach()
        child[0].teach()
        assert sent == [b"J"]
        monkeypatch.undo()


def _says(hired: tuple[Child, str]) -> str:
    """What the child logs of its own judgement."""
    child, name = hired
    claim = Claim(
        id=uuid4(), token=uuid4(), job=name, queue="reports", params="{}", attempt=0, max_attempts=3, crashes=0, timeout_s=60,
        backoff_base_s=2, backoff_cap_s=60, created_at=NOON, due_at=NOON, claimed_at=NOON, definition_id=None,
    )  # fmt: skip
    child.teach()
    child.wire.send(RUN, pack_run(claim))
    lines = []
    while True:
        frame = child.wire.read(10)
        assert frame is not None, "the child says nothing"
        if frame.kind == ENDED:
            ending = unpack_ending(frame.body, claim)
            assert isinstance(ending, Ending) and ending.state == states.SUCCEEDED, ending
            lines += [line.message for line in ending.log]
            return lines[-1]
        lines += [line.message for line in unpack_notes(frame.body)[1]]
