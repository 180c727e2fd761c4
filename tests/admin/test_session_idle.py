"""Sessions in the admin end when nobody uses them, and twelve hours after signing in whatever is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from queues.ledger import clock
from queues.ledger.clock import Fake

PAGE = "/admin/queues/queue/"
POLLED = "/admin/queues/run/dashboard/"


@pytest.fixture
def at(db: None) -> Iterator[Fake]:
    with clock.frozen(clock.now()) as fake:
        yield fake


@pytest.fixture
def browser(at: Fake, as_: Callable[[str], Client]) -> Client:
    found = as_("admin")
    assert found.get(PAGE).status_code == 200
    return found


def signed_in(browser: Client) -> bool:
    answer = browser.get(PAGE)
    assert answer.status_code == 200 or answer["Location"].startswith("/admin/login/")
    return bool(answer.status_code == 200)


def test_a_session_that_nobody_used_for_half_an_hour_is_over(browser: Client, at: Fake) -> None:
    at.advance(1799)
    assert signed_in(browser)
    at.advance(1800)
    assert not signed_in(browser)
    assert not Session.objects.exists()


def test_a_session_in_use_goes_on_until_twelve_hours_after_signing_in(browser: Client, at: Fake) -> None:
    for _ in range(12 * 3 - 1):
        at.advance(1200)
        assert signed_in(browser)
    at.advance(1200)
    assert not signed_in(browser)


def test_how_long_is_a_setting(browser: Client, at: Fake, settings: Any) -> None:
    settings.SESSION_IDLE_S = 300
    at.advance(299)
    assert signed_in(browser)
    at.advance(300)
    assert not signed_in(browser)


def test_a_page_that_polls_keeps_nobody_signed_in(browser: Client, at: Fake) -> None:
    for _ in range(17):
        at.advance(100)
        assert browser.get(POLLED, headers={"HX-Request": "true"}).status_code == 200
    at.advance(100)
    answer = browser.get(POLLED, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Refresh"]) == (204, "true"), "the page is loaded anew: it leads to the login"
    assert not signed_in(browser)


def test_a_form_that_is_filled_in_is_use(browser: Client, at: Fake) -> None:
    for _ in range(4):
        at.advance(1000)
        browser.post("/admin/queues/errorrule/preview/", {"error_type": "X"}, headers={"HX-Request": "true"})
    assert signed_in(browser)


def test_the_last_use_is_written_at_most_once_a_minute(browser: Client, at: Fake) -> None:
    def writes() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert signed_in(browser)
        return len(
            [each for each in seen.captured_queries if "UPDATE" in each["sql"] and "django_session" in each["sql"]]
        )

    at.advance(59)
    assert writes() == 0
    at.advance(2)
    assert writes() == 1
    assert writes() == 0


def test_the_api_knows_no_sessions_and_pays_nothing_for_them(client: Client, db: None) -> None:
    with CaptureQueriesContext(connection) as seen:
        client.get("/healthz")
    assert not [each for each in seen.captured_queries if "django_session" in each["sql"]]
