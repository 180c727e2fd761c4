"""What is written to the log: one record a line whatever is in it, in bounds, and without secrets."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from project.logs import config, uvicorn_log
from project.logs.formats import CONTINUED, LONGEST, Json, Line
from project.logs.told import EXTRA, MESSAGE
from queues import log_context
from queues.redaction import HIDDEN

SECRET = "Zq8vX3kT9wLm2NpR"
NASTY = st.text(
    st.characters() | st.sampled_from("\n\r\t\x0b\x0c\x1b\x1c\x85\u2028\u2029\u202e\ufeff\ud800"), max_size=80
)
LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


def record(
    message: object, *arguments: object, error: BaseException | None = None, **extra: object
) -> logging.LogRecord:
    made = logging.LogRecord(
        "roundsman.tests", logging.WARNING, "f.py", 1, message, arguments, (type(error), error, error.__traceback__) if error else None
    )  # fmt: skip
    made.__dict__.update(extra)
    return made


def told(*arguments: object, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Json().format(record(*arguments, **options)))
    return found


def raised(text: str) -> Exception:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


@given(message=NASTY, argument=NASTY, error=NASTY, extra=NASTY)
def test_json_is_one_object_on_one_line_whatever_comes_in(message: str, argument: str, error: str, extra: str) -> None:
    line = Json().format(record(message + " %s", argument, error=raised(error), tenant=extra))
    assert len(line.splitlines()) == 1 and line.isascii() and line.isprintable()
    found = json.loads(line)
    assert found["level"] == "WARNING" and found["logger"] == "roundsman.tests"
    assert "exception" in found and "message" in found


@given(message=NASTY, argument=NASTY, error=NASTY)
def test_a_plain_line_cannot_be_split_nor_another_one_forged(message: str, argument: str, error: str) -> None:
    first, *others = Line().format(record(message + " %s", argument, error=raised(error))).splitlines()
    assert all(other.startswith(CONTINUED) for other in others)
    assert not set(LINE_ENDS + "\x1b\u202e") & set(first + "".join(others))
    assert " WARNING roundsman.tests: " in first


def test_a_message_with_line_ends_shows_them_in_the_plain_line() -> None:
    assert Line().format(record("a\nb\x1b[31m\u2028c")).endswith(r"a\nb\x1b[31m\u2028c")


def test_time_is_utc_to_the_millisecond() -> None:
    made = record("x")
    made.created = 0.25
    assert json.loads(Json().format(made))["time"] == "1970-01-01T00:00:00.250Z"


@pytest.mark.parametrize("text", ["x" * 1_000_000, "\u2028" * 1_000_000, "\U0001f600" * 500_000, "é\n" * 500_000])
def test_a_huge_message_error_or_extra_is_cut(text: str) -> None:
    line = Json().format(record(text, error=raised(text), **{f"field{n}": text for n in range(30)}))
    assert len(line) <= LONGEST and set(json.loads(line)) >= {"time", "level", "message", "exception", "field0"}
    assert len(told("%s", text)["message"]) <= MESSAGE + 40 and len(told("m", field=text)["field"]) <= EXTRA + 40


@given(st.integers(0, 40))
def test_a_secret_across_the_cut_is_not_told_in_part(shift: int) -> None:
    text = "x" * (MESSAGE - 20 + shift) + f" postgres://ada:{SECRET}@db/x" + "y" * 50_000
    assert SECRET[:4] not in told(text)["message"]
    assert SECRET[-4:] not in told("m", error=raised(text + "z" * shift + f" password={SECRET}"))["exception"]


def test_secrets_are_hidden_in_messages_arguments_errors_and_extras() -> None:
    line = Json().format(
        record(
            "token=%s %s", SECRET, {"password": SECRET}, error=raised(f"redis://:{SECRET}@cache/0"),
            api_key=SECRET, headers={"Authorization": f"Bearer {SECRET}"}, note=f"Bearer {SECRET}",
        )
    )  # fmt: skip
    assert SECRET not in line and line.count(HIDDEN) >= 6


def test_this_process_own_secrets_are_hidden_wherever_they_stand(settings: Any) -> None:
    assert settings.SECRET_KEY not in told("the key %s came out", settings.SECRET_KEY)["message"]
    assert settings.METRICS_TOKEN not in told("x", error=raised(settings.METRICS_TOKEN))["exception"]


def test_arguments_that_do_not_fit_are_told_and_nothing_is_raised() -> None:
    assert told("%d of %d", "one")["message"] == '"%d of %d" ["one"]'
    assert "cannot be shown" in told(Unshowable())["message"]
    assert "cannot be shown" in told("x", held=Unshowable())["held"]


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


def test_a_request_given_as_extra_tells_its_id_and_not_its_query() -> None:
    request: HttpRequest = RequestFactory().get("/x?q=" + SECRET)
    request.request_id = "r-1"  # type: ignore[attr-defined]
    found = told("Not Found: %s", request.path, request=request, status_code=404)
    assert found["request_id"] == "r-1" and found["status_code"] == 404 and "request" not in found


def test_lines_of_a_request_and_of_a_run_bear_their_ids() -> None:
    with log_context.about(log_context.request_id, "r-2"), log_context.about(log_context.run_id, "0197"):
        said = told("x")
        assert (said["request_id"], said["run_id"]) == ("r-2", "0197")
        assert " [request r-2, run 0197]: x" in Line().format(record("x"))
    assert "request_id" not in told("x") and "run_id" not in told("x")


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    kept: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = kept.append  # type: ignore[method-assign]
    logging.getLogger("roundsman").addHandler(handler)
    yield kept
    logging.getLogger("roundsman").removeHandler(handler)


def test_an_exception_that_nobody_caught_is_a_record(logged: list[logging.LogRecord]) -> None:
    error = raised(f"password={SECRET}")
    config.uncaught(type(error), error, error.__traceback__)
    threading.excepthook = config.uncaught_in_thread
    try:
        thread = threading.Thread(target=lambda: 1 / 0, name="breaks")
        thread.start()
        thread.join()
    finally:
        threading.excepthook = threading.__excepthook__
    lines = [Json().format(each) for each in logged]
    assert [json.loads(line)["level"] for line in lines] == ["CRITICAL", "CRITICAL"]
    assert SECRET not in lines[0] and "breaks" in lines[1] and "ZeroDivisionError" in lines[1]


def test_ctrl_c_is_no_record(logged: list[logging.LogRecord]) -> None:
    config.uncaught(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert logged == []


def test_uvicorns_lines_go_where_ours_do_and_a_switched_off_access_log_stays_off() -> None:
    access, own = logging.getLogger("uvicorn.access"), logging.getLogger("uvicorn")
    before = [(each, each.handlers[:], each.propagate, each.filters[:]) for each in (access, own)]
    try:
        for each in (access, own):
            each.handlers, each.propagate = [logging.StreamHandler(sys.stderr)], False
        uvicorn_log.take_over()
        assert not access.handlers and access.propagate and not own.handlers and own.propagate
        access.propagate = False  # as --no-access-log leaves it
        uvicorn_log.take_over()
        assert not access.hasHandlers()
    finally:
        for each, handlers, propagate, filters in before:
            each.handlers, each.propagate, each.filters = handlers, propagate, filters


def test_the_access_log_tells_no_query() -> None:
    made = logging.LogRecord(
        "uvicorn.access", logging.INFO, "f", 1, '%s - "%s %s HTTP/%s" %d', ("127.0.0.1:1", "GET", f"/a?x={SECRET}", "1.1", 200), None
    )  # fmt: skip
    assert uvicorn_log.without_query(made) is True
    assert made.getMessage() == '127.0.0.1:1 - "GET /a?… HTTP/1.1" 200'
