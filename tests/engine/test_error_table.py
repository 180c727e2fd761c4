"""Errors are sorted by one look-up of type and code. Errors here are made as the libraries make them."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace
from typing import Any

import psycopg
import pydantic
import pytest
import redis
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, ProgrammingError
from hypothesis import given
from hypothesis import strategies as st

from queues.errors import LeaseLost, PermanentError, RoundsmanError, RunTimeout, TransientError, WrongState
from queues.ledger.error_codes import codes_of
from queues.ledger.error_defaults import SHIPPED
from queues.ledger.error_table import Key, Rule, Table
from queues.outbound import NotSent, Refused

PLAIN = Table({}, SHIPPED)
YES, NO = Rule(permanent=True), Rule(permanent=False)


def an_error(name: str, bases: tuple[type, ...] = (Exception,), **values: Any) -> BaseException:
    """An error as a library would make it, with these attributes."""
    return type(name, bases, values)("it went wrong")


def wrapped(outer: BaseException, inner: BaseException) -> BaseException:
    outer.__cause__ = inner
    return outer


def answered(status: int) -> SimpleNamespace:
    return SimpleNamespace(status_code=status)


RequestException = type("RequestException", (OSError,), {})
StripeError = type("StripeError", (Exception,), {})


@pytest.mark.parametrize(
    ("error", "codes"),
    [
        (ValueError("x"), ()),
        (TransientError("x"), ("transient",)),
        (an_error("HTTPError", (OSError,), response=answered(429)), ("429", "4xx")),
        (an_error("HTTPError", (OSError,), response=None), ()),
        (an_error("HTTPError", (OSError,), code=503), ("503", "5xx")),  # urllib
        (an_error("CardError", (StripeError,), code="card_declined", http_status=402), ("card_declined", "402", "4xx")),
        (an_error("APIError", (StripeError,), code=None, http_status=500), ("500", "5xx")),
        (an_error("TwilioRestException", code=20429, status=429), ("20429", "429", "4xx")),
        (an_error("ClientResponseError", status=404), ("404", "4xx")),
        (an_error("RpcError", code=lambda: 14), ()),
        (an_error("Odd", response=property(lambda self: 1 / 0)), ()),
        (an_error("Odd", code=True), ()),
        (an_error("Odd", code="x" * 70), ("x" * 64,)),
        (an_error("SMTPDataError", smtp_code=451), ("451", "4xx")),
        (ConnectionRefusedError(111, "refused"), ("ECONNREFUSED",)),
        (psycopg.errors.DeadlockDetected("x"), ("40P01",)),
        (wrapped(OperationalError("x"), psycopg.errors.DeadlockDetected("x")), ("40P01",)),
        (wrapped(ValueError("x"), psycopg.errors.DeadlockDetected("x")), ()),
    ],
)
def test_an_error_goes_by_its_own_code_its_status_and_the_family(error: BaseException, codes: tuple[str, ...]) -> None:
    assert codes_of(error) == codes


def test_sqlites_errors_go_by_their_names() -> None:
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect(":memory:").execute("SELECT * FROM nowhere")
    assert codes_of(caught.value) == ("SQLITE_ERROR",)


TRANSIENT = {
    "read timeout": an_error("ReadTimeout", (type("Timeout", (RequestException,), {}),)),
    "429": an_error("HTTPError", (RequestException,), response=answered(429)),
    "503": an_error("HTTPStatusError", response=answered(503)),
    "500": an_error("HTTPError", (RequestException,), response=answered(500)),
    "409": an_error("HTTPError", (RequestException,), response=answered(409)),
    "no answer": an_error("HTTPError", (RequestException,), response=None),
    "stripe rate": an_error("RateLimitError", (StripeError,), http_status=429),
    "stripe away": an_error("APIConnectionError", (StripeError,)),
    "stripe 500": an_error("APIError", (StripeError,), http_status=500),
    "stripe again": an_error("CardError", (StripeError,), code="processing_error", http_status=402),
    "twilio rate": an_error("TwilioRestException", code=20429, status=429),
    "mail later": an_error("SMTPDataError", (type("SMTPResponseException", (OSError,), {}),), smtp_code=451),
    "bad json": an_error("JSONDecodeError", (type("InvalidJSONError", (RequestException,), {}),)),
    "refused": ConnectionRefusedError(111, "refused"),
    "redis away": redis.exceptions.ConnectionError("x"),
    "redis slow": redis.exceptions.TimeoutError("x"),
    "redis loading": redis.exceptions.BusyLoadingError("x"),
    "deadlock": wrapped(OperationalError("x"), psycopg.errors.DeadlockDetected("x")),
    "written at once": wrapped(IntegrityError("x"), psycopg.errors.UniqueViolation("x")),
    "ours": TransientError("x"),
    "in the wrong state": WrongState("x"),
    "our limit": RunTimeout("x"),
    "not sent": NotSent("x"),
    "unknown": ValueError("x"),
}
PERMANENT = {
    "404": an_error("HTTPError", (RequestException,), response=answered(404)),
    "501": an_error("HTTPStatusError", response=answered(501)),
    "stripe key": an_error("AuthenticationError", (StripeError,), http_status=401),
    "stripe card": an_error("CardError", (StripeError,), code="card_declined", http_status=402),
    "stripe other": an_error("CapabilityNotEnabledError", (StripeError,), http_status=400),
    "twilio number": an_error("TwilioRestException", code=21211, status=400),
    "push gone": an_error("WebPushException", response=answered(410)),
    "mail refused": an_error("SMTPDataError", (type("SMTPResponseException", (OSError,), {}),), smtp_code=550),
    "bad address": an_error("InvalidURL", (RequestException, ValueError)),
    "redis rights": redis.exceptions.NoPermissionError("x"),
    "redis password": redis.exceptions.AuthenticationError("x"),
    "bad sql": wrapped(ProgrammingError("x"), psycopg.errors.UndefinedTable("x")),
    "null": wrapped(IntegrityError("x"), psycopg.errors.NotNullViolation("x")),
    "not valid": ValidationError("x"),
    "a mistake": TypeError("x"),
    "a mistake further down": ModuleNotFoundError("x"),
    "files": PermissionError(13, "denied"),
    "ours": PermanentError("x"),
    "refused": Refused("x"),
    "lease": LeaseLost("x"),
}
OVERLOADED = {
    "read timeout", "429", "503", "stripe rate", "stripe away", "twilio rate", "refused", "redis away", "redis slow",
    "redis loading", "our limit", "not sent",
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSIENT)
def test_what_may_pass_is_transient_and_tells_of_overload_where_it_does(name: str) -> None:
    verdict = PLAIN.judge(TRANSIENT[name])
    assert (verdict.permanent, verdict.overloaded) == (False, name in OVERLOADED)


@pytest.mark.parametrize("name", PERMANENT)
def test_what_would_fail_alike_is_permanent(name: str) -> None:
    verdict = PLAIN.judge(PERMANENT[name])
    assert (verdict.permanent, verdict.overloaded) == (True, False)


def test_pydantics_own_errors_are_permanent() -> None:
    class Load(pydantic.BaseModel):
        tons: int

    with pytest.raises(pydantic.ValidationError) as caught:
        Load.model_validate({"tons": "many"})
    assert PLAIN.judge(caught.value).permanent


def test_what_staff_wrote_wins_over_the_errors_own_word_and_over_what_is_shipped() -> None:
    table = Table({("Refused", ""): NO, ("HTTPError", ""): YES}, SHIPPED)
    assert not table.judge(Refused("x")).permanent
    assert table.judge(TRANSIENT["429"]).by == "a rule of staff for HTTPError"


def test_a_rule_for_one_code_goes_before_the_rule_for_every_code() -> None:
    table = Table({("HTTPError", ""): YES, ("HTTPError", "429"): NO, ("HTTPError", "5xx"): NO}, SHIPPED)
    assert [table.judge(TRANSIENT[name]).permanent for name in ("429", "500", "409")] == [False, False, True]


def test_an_errors_own_word_goes_before_rules_for_its_base_classes() -> None:
    table = Table({("RoundsmanError", ""): YES, ("Exception", ""): YES}, SHIPPED)
    assert not table.judge(TransientError("x")).permanent
    assert table.judge(ValueError("x")).key == ("Exception", "")


def test_an_attribute_of_another_kind_is_no_word() -> None:
    assert PLAIN.judge(an_error("Odd", permanent="yes")).source == "unknown"


def test_an_error_raised_from_one_of_overload_tells_of_it_too() -> None:
    away = wrapped(TransientError("The store is away."), wrapped(ValueError("x"), TRANSIENT["503"]))
    assert PLAIN.judge(away).overloaded
    assert not PLAIN.judge(wrapped(PermanentError("x"), TRANSIENT["503"])).overloaded
    assert not PLAIN.judge(wrapped(TransientError("x"), PERMANENT["404"])).overloaded


def test_an_error_that_is_its_own_reason_is_judged_all_the_same() -> None:
    one, other = ValueError("1"), ValueError("2")
    one.__cause__, other.__cause__ = other, one
    assert not PLAIN.judge(one).overloaded


def test_a_permanent_rule_of_staff_takes_the_overload_away() -> None:
    assert not Table({("HTTPError", "429"): YES}, SHIPPED).judge(TRANSIENT["429"]).overloaded
    assert Table({("HTTPError", "429"): NO}, SHIPPED).judge(TRANSIENT["429"]).overloaded


def test_a_verdict_names_the_error_as_the_run_stores_it() -> None:
    verdict = PLAIN.judge(PERMANENT["stripe card"])
    assert (verdict.error_type, verdict.error_code, verdict.by) == ("CardError", "card_declined", "the shipped rule for CardError")  # fmt: skip


# --- by any table and any error: the order that the module promises, written another way ---

CODES = st.sampled_from(["", "a", "429", "4xx"])
NAMES = st.sampled_from(["Leaf", "Branch", "Root", "Other"])
RULES = st.dictionaries(st.tuples(NAMES, CODES), st.builds(Rule, st.booleans(), st.booleans()), max_size=8)
LINES = st.sampled_from([["Leaf"], ["Leaf", "Branch"], ["Leaf", "Branch", "Root"]])
ERRORS = st.sampled_from([(), ("a",), ("429", "4xx"), ("a", "429", "4xx")])


def promised(staff: dict[Key, Rule], shipped: dict[Key, Rule], names: list[str], codes: tuple[str, ...], own: Any) -> bool:  # fmt: skip
    """One list of all that may decide, in order; the first that is there does."""
    asked = [*codes, ""]
    first, *bases = names
    answers: list[bool | None] = [staff[first, code].permanent if (first, code) in staff else None for code in asked]
    answers.append(own)
    for rules, name in [(shipped, first), *((rules, base) for base in bases for rules in (staff, shipped))]:
        answers += [rules[name, code].permanent if (name, code) in rules else None for code in asked]
    return next((answer for answer in answers if answer is not None), False)


@given(RULES, RULES, LINES, ERRORS, st.sampled_from([None, True, False]))
def test_the_look_up_keeps_its_order(staff: Any, shipped: Any, names: Any, codes: Any, own: Any) -> None:
    verdict = Table(staff, shipped).look_up(names, codes, own)
    assert verdict.permanent == promised(staff, shipped, names, codes, own)
    assert not (verdict.permanent and verdict.overloaded)
    if verdict.key is not None:
        rules = staff if verdict.source == "staff" else shipped
        assert rules[verdict.key].permanent == verdict.permanent and verdict.key[0] in names


@given(RULES, RULES, LINES, ERRORS, st.sampled_from([None, True, False]), st.booleans())
def test_a_rule_of_staff_for_the_very_error_always_decides(
    staff: Any, shipped: Any, names: Any, codes: Any, own: Any, permanent: bool
) -> None:
    key = (names[0], codes[0] if codes else "")
    verdict = Table({**staff, key: Rule(permanent)}, shipped).look_up(names, codes, own)
    assert (verdict.permanent, verdict.source, verdict.key) == (permanent, "staff", key)


@given(RULES, RULES, LINES, ERRORS, st.sampled_from([None, True, False]), CODES, st.booleans())
def test_a_rule_for_another_type_changes_nothing(
    staff: Any, shipped: Any, names: Any, codes: Any, own: Any, code: str, permanent: bool
) -> None:
    more = {**staff, ("Elsewhere", code): Rule(permanent)}
    assert Table(more, shipped).look_up(names, codes, own) == Table(staff, shipped).look_up(names, codes, own)


def test_what_was_permanent_before_there_were_rules_still_is() -> None:
    for kind in (TypeError, AttributeError, NameError, ImportError, NotImplementedError, SyntaxError):
        assert PLAIN.judge(kind("x")).permanent
    for ours in (PermanentError, LeaseLost):
        assert PLAIN.judge(ours("x")).permanent
    assert not PLAIN.judge(RoundsmanError("x")).permanent and not PLAIN.judge(OSError("x")).permanent
