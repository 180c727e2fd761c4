"""Which parameters are sealed, and what becomes of them on their way to the ledger and back."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import date
from io import StringIO
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queues import registry, sealing
from queues.blotting import BLOT, Blotter, LogFilter, blotted
from queues.encryption import is_sealed
from queues.errors import InvalidParams
from queues.sealing import Sealed, plan_of


class Person(pydantic.BaseModel):
    name: Sealed[str]
    city: str = "Graz"


class Reminder(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    customer: str
    phone: Sealed[str]
    born: Sealed[date] | None = None
    card: Sealed[int] = 0
    people: list[Person] = []
    head: Person | None = None
    tags: list[Sealed[str]] = []


@pytest.fixture
def remind() -> Iterator[registry.JobSpec[Reminder]]:
    yield registry.spec("tests.remind", queue="notifications", params=Reminder)
    registry.forget("tests.remind")


WHOLE = Reminder(
    customer="C-17", phone="0660 123 45 67", born=date(1980, 2, 3), card=4111111111111111,
    people=[Person(name="Ada Lovelace"), Person(name="Grace Hopper", city="Wien")], head=Person(name="Edith Clarke"), tags=["vip"],
)  # fmt: skip


def test_marks_are_found_in_models_lists_and_options() -> None:
    plan = plan_of(Reminder)
    person = {"name": True}
    assert plan == {"phone": True, "born": True, "card": True, "people": person, "head": person, "tags": True}


class Lost(pydantic.BaseModel):
    by_name: dict[str, Sealed[str]]


class Either(pydantic.BaseModel):
    one: Sealed[str] | Sealed[int]


class Tree(pydantic.BaseModel):
    name: Sealed[str]
    below: list[Tree] = []


@pytest.mark.parametrize("model", [Lost, Either])
def test_a_mark_where_nobody_looks_is_refused_at_the_declaration(model: type[pydantic.BaseModel]) -> None:
    with pytest.raises(TypeError, match="not looked for"):
        registry.spec("tests.lost", queue="reports", params=model)


def test_a_model_that_holds_itself_is_refused_if_it_has_marks() -> None:
    with pytest.raises(TypeError, match="holds itself"):
        plan_of(Tree)


def test_what_is_stored_tells_nothing_and_the_handler_gets_all(remind: registry.JobSpec[Reminder]) -> None:
    stored = remind.dump(WHOLE)
    text = json.dumps(stored)
    for secret in ("0660", "1980", "4111", "Ada", "Grace", "Edith", "vip"):
        assert secret not in text
    assert stored["customer"] == "C-17" and stored["people"][1]["city"] == "Wien"
    assert remind.read(text) == WHOLE == remind.validate(stored)


def test_bulk_requests_are_sealed_too(remind: registry.JobSpec[Reminder]) -> None:
    assert json.loads(remind._checked_text(WHOLE)) == remind.dump(WHOLE)


def test_a_handler_that_prints_its_parameters_does_not_tell_them(remind: registry.JobSpec[Reminder]) -> None:
    assert "C-17" in repr(WHOLE) and "0660" not in repr(WHOLE) and "Ada" not in str(WHOLE)


def test_a_value_of_another_job_does_not_open_and_its_field_is_named(remind: registry.JobSpec[Reminder]) -> None:
    foreign = sealing.sealed("0660 123 45 67", "tests.other")
    with pytest.raises(InvalidParams) as told:
        remind.validate({"customer": "C-17", "phone": foreign, "people": [{"name": foreign}]})
    assert {each.field for each in told.value.errors} == {"phone", "people.0.name"}


def test_a_text_that_only_looks_sealed_stays_where_nothing_is_sealed(remind: registry.JobSpec[Reminder]) -> None:
    assert remind.validate({"customer": "sealed:x", "phone": "1"}).customer == "sealed:x"


def test_the_schema_says_what_is_sealed(remind: registry.JobSpec[Reminder]) -> None:
    properties: Any = remind.json_schema()["properties"]
    assert properties["phone"]["x-sealed"] is True and "x-sealed" not in properties["customer"]


@given(st.text(st.characters(codec="utf-8"), min_size=4), st.text(max_size=30), st.text(max_size=30))
def test_a_value_is_blotted_wherever_it_is_said(secret: str, before: str, after: str) -> None:
    said = Blotter([secret]).text(f"{before}|{secret}|{after}")
    assert f"|{secret}|" not in said


@pytest.mark.parametrize(
    "said",
    [
        "calling 0660 123 45 67 failed", "calling 06601234567 failed", "GET /sms?to=0660+123+45+67", "GET /sms?to=0660%20123%2045%2067",
        "mail ADA@Example.ORG bounced", "mail ada%40example.org bounced", 'bad input: {"m": "M\\u00fcllergasse \\"7\\""}',
        repr('Müllergasse "7"'),
    ],
)  # fmt: skip
def test_the_ways_a_value_is_written_are_found(said: str) -> None:
    told = Blotter(["0660 123 45 67", "ada@example.org", 'Müllergasse "7"']).text(said)
    assert BLOT in told
    for part in ("123", "4567", "ada", "ADA", "llergasse"):
        assert part not in told


def test_a_message_that_cuts_a_long_value_tells_none_of_it() -> None:
    secret = "".join(chr(97 + n % 26) + str(n % 7) for n in range(60))

    class Strict(pydantic.BaseModel):
        text: int

    with pytest.raises(pydantic.ValidationError) as error:
        Strict(text=secret)  # type: ignore[arg-type]
    assert secret[:20] in str(error.value) and secret not in str(error.value)
    told = Blotter([secret]).text(str(error.value))
    assert secret[:8] not in told and secret[-8:] not in told


def test_results_are_blotted_names_and_all() -> None:
    blotter = Blotter(["ada@example.org", 4111111111111111, {"street": "Hauptplatz"}])
    assert blotter.json({"ada@example.org": [4111111111111111, "on Hauptplatz", 7, True, None]}) == {
        BLOT: [BLOT, f"on {BLOT}", 7, True, None]
    }


def test_what_a_handler_logs_by_itself_is_blotted_and_nothing_else_is() -> None:
    written, log = StringIO(), logging.getLogger("tests.blotting")
    handler = logging.StreamHandler(written)
    handler.addFilter(LogFilter())
    log.addHandler(handler)
    log.propagate = False
    try:
        with blotted(Blotter(["ada@example.org"])):
            try:
                raise ValueError("ada@example.org bounced")
            except ValueError:
                log.exception("mail to %s", "ada@example.org")
        inside = written.getvalue()
        log.error("mail to %s", "ada@example.org")
    finally:
        log.removeHandler(handler)
    assert "ada@" not in inside and f"mail to {BLOT}" in inside and f"ValueError: {BLOT} bounced" in inside
    assert written.getvalue() == inside + "mail to ada@example.org\n"


def test_nothing_is_sealed_where_nothing_is_declared_so() -> None:
    assert all(not is_sealed(value) for value in sealing.seal(plan_of(Lone), {"n": "1"}, "p").values())
    assert plan_of(Lone) == {}


class Lone(pydantic.BaseModel):
    n: str
