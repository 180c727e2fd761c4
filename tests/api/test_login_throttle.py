"""Guessing passwords: five failures of a name from an address close the pair, fifty an address, and nothing is told."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from queues.api import login_throttle

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db
ADMIN = "/admin/login/"


def sign_in(username: str = "manager", password: str = "wrong", address: str = "192.0.2.7", **more: Any) -> Any:
    body = {"username": username, "password": password}
    return APIClient().post("/api/token/", body, format="json", REMOTE_ADDR=address, **more)


def log_in(username: str = "manager", password: str = "wrong", address: str = "192.0.2.7") -> Any:
    form = {"username": username, "password": password, "otp": "", "next": "/admin/"}
    return Client().post(ADMIN, form, REMOTE_ADDR=address)


@pytest.fixture
def staff(people: dict[str, User]) -> User:
    User.objects.filter(username="manager").update(is_staff=True)
    return people["manager"]


def test_the_fifth_failure_closes_and_the_right_password_is_refused_too(people: dict[str, User]) -> None:
    assert [sign_in().status_code for _ in range(5)] == [401, 401, 401, 401, 429]
    answer = sign_in(password=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_logins")
    assert answer["Content-Type"] == "application/problem+json"
    assert 0 < int(answer["Retry-After"]) <= 900


@pytest.mark.parametrize("username", ["manager", "stranger"])
def test_a_name_that_nobody_has_is_counted_and_answered_like_one_that_somebody_has(
    people: dict[str, User], username: str
) -> None:
    """What is told apart is how often it failed, never whether there is such an account."""
    told = []
    for _ in range(7):
        answer = sign_in(username)
        told.append((answer.status_code, answer.json()["code"], answer.json()["detail"]))
    assert told[:4] == [(401, "no_active_account", "No active account found with the given credentials")] * 4
    assert {each[:2] for each in told[4:]} == {(429, "too_many_logins")}
    assert {each[2] for each in told[4:]} == {"Too many attempts to sign in failed. Try again in 15 min."}


def test_the_admin_and_the_api_count_together(staff: User) -> None:
    assert [sign_in().status_code for _ in range(2)] == [401, 401]
    assert [log_in().status_code for _ in range(3)] == [200, 200, 429]
    assert sign_in(password=PASSWORD).status_code == 429
    assert log_in(password=PASSWORD).status_code == 429


def test_the_admins_page_says_the_same_whatever_is_wrong(staff: User) -> None:
    """Wrong password, no such account, no staff, closed: by its status alone the last one is another."""

    def errors(page: bytes) -> str:
        told = page.decode().split("<form", 1)[0].split("</head>")[-1]
        return re.sub(r'nonce="[^"]+"', "", told)  # which is each answer's own

    pages = {
        "wrong": errors(log_in(address="192.0.2.1").content),
        "unknown": errors(log_in("stranger", address="192.0.2.2").content),
        "no staff": errors(log_in("driver", PASSWORD, address="192.0.2.3").content),
    }
    for _ in range(5):
        closed = log_in(password=PASSWORD + "x", address="192.0.2.4")
    assert closed.status_code == 429 and int(closed["Retry-After"]) > 0
    pages["closed"] = errors(closed.content)
    assert "signing in from here is closed for fifteen minutes" in pages["wrong"]
    assert len(set(pages.values())) == 1, pages.keys()


def test_the_right_password_of_an_account_that_may_not_come_in_counts_like_a_wrong_one(people: dict[str, User]) -> None:
    """Else the admin's login would tell who has guessed it."""
    assert [log_in("driver", PASSWORD).status_code for _ in range(5)] == [200, 200, 200, 200, 429]


def test_another_name_and_another_address_stay_open(people: dict[str, User]) -> None:
    for _ in range(5):
        sign_in()
    assert sign_in("dispatcher", PASSWORD).status_code == 200
    assert sign_in(password=PASSWORD, address="192.0.2.8").status_code == 200


def test_fifty_failures_close_an_address_for_every_name(people: dict[str, User]) -> None:
    answers = [sign_in(f"guess-{number}").status_code for number in range(50)]
    assert answers == [401] * 49 + [429]
    assert sign_in("manager", PASSWORD).status_code == 429
    assert sign_in("manager", PASSWORD, address="192.0.2.8").status_code == 200


def test_an_account_of_ones_own_does_not_open_the_address_again(people: dict[str, User]) -> None:
    for number in range(48):
        sign_in(f"guess-{number}")
    assert sign_in("driver", PASSWORD).status_code == 200
    assert [sign_in(f"more-{number}").status_code for number in range(2)] == [401, 429]


def test_signing_in_forgets_what_failed_of_the_name(people: dict[str, User]) -> None:
    for _ in range(2):
        assert [sign_in().status_code for _ in range(4)] == [401] * 4
        assert sign_in(password=PASSWORD).status_code == 200


def test_it_opens_after_fifteen_minutes_and_trying_meanwhile_does_not_put_it_off(people: dict[str, User]) -> None:
    for _ in range(9):
        sign_in()
    assert AccessAttempt.objects.get().failures_since_start == 5
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14, seconds=30))
    answer = sign_in(password=PASSWORD)
    assert answer.status_code == 429 and int(answer["Retry-After"]) <= 30
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert sign_in(password=PASSWORD).status_code == 200


def test_another_browser_is_no_other_attacker(people: dict[str, User]) -> None:
    answers = [sign_in(HTTP_USER_AGENT=f"agent {number}").status_code for number in range(5)]
    assert answers == [401] * 4 + [429]


def test_a_header_that_anybody_may_write_is_no_other_address(people: dict[str, User], settings: Any) -> None:
    answers = [sign_in(HTTP_X_FORWARDED_FOR=f"198.51.100.{number}").status_code for number in range(5)]
    assert answers == [401] * 4 + [429]
    settings.TRUSTED_PROXIES = 1
    assert sign_in(password=PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.9").status_code == 200


def test_who_has_one_ipv6_address_has_the_whole_network(people: dict[str, User]) -> None:
    answers = [sign_in(address=f"2001:db8:1:2::{number}").status_code for number in range(1, 6)]
    assert answers == [401] * 4 + [429]
    assert sign_in(password=PASSWORD, address="2001:db8:1:3::1").status_code == 200


@pytest.mark.parametrize("address", ["", "unix", "::ffff:192.0.2.9"])
def test_strange_addresses_are_counted_as_well(people: dict[str, User], address: str) -> None:
    assert [sign_in(address=address).status_code for _ in range(5)] == [401] * 4 + [429]


def test_no_password_is_kept_with_the_failures(staff: User) -> None:
    log_in(password="hunter2-hunter2")
    sign_in(password="hunter2-hunter2")
    assert "hunter2" not in str(list(AccessAttempt.objects.values()))


def test_an_unknown_account_costs_a_hash_as_a_known_one_does(
    people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.auth.hashers import MD5PasswordHasher

    hashed: list[str] = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher,
        "encode",
        lambda self, password, salt: hashed.append(password) or encode(self, password, salt),
    )
    sign_in("manager")
    known = len(hashed)
    sign_in("stranger")
    assert known == len(hashed) - known == 1


def test_failures_are_counted_with_redis_away(people: dict[str, User], settings: Any) -> None:
    """The tests' settings name a server that nobody runs."""
    assert settings.REDIS_URL.startswith("redis://127.0.0.1:1/")
    sign_in()
    assert AccessAttempt.objects.get().failures_since_start == 1
    assert login_throttle.PER_PAIR == 5 and login_throttle.PER_ADDRESS == 50
