"""Tokens at every request: what was taken from an account binds at the next one, and a known token still ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import OperationalError
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from queues import policy
from queues.api import bearer

pytestmark = pytest.mark.django_db
STATS = "/api/v1/queue/stats"


@pytest.fixture(autouse=True)
def none_known() -> Iterator[None]:
    bearer._good.clear()
    yield
    bearer._good.clear()


def test_an_account_is_read_with_its_roles_in_one_statement(
    people: dict[str, User], monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    people["manager"].groups.add(Group.objects.create(name="choir"), Group.objects.get(name="dispatcher"))
    asked: list[str] = []
    fetch = bearer.fetch
    monkeypatch.setattr(bearer, "fetch", lambda sql, params: asked.append(sql) or fetch(sql, params))
    found = bearer.read(people["manager"].pk)
    assert found is not None and len(asked) == 1
    with django_assert_num_queries(0):
        assert policy.roles_of(found) == {"manager", "dispatcher"}


@pytest.mark.parametrize("role", ["admin", "customer", "nobody"])
def test_it_is_the_account_that_the_orm_would_read(people: dict[str, User], role: str) -> None:
    User.objects.filter(pk=people[role].pk).update(is_superuser=role == "nobody", last_name="O'Neill ü")
    found, same = bearer.read(people[role].pk), User.objects.get(pk=people[role].pk)
    columns = [field.attname for field in User._meta.concrete_fields]
    assert [getattr(found, name) for name in columns] == [getattr(same, name) for name in columns]
    assert policy.roles_of(found) == policy.roles_of(same)


def test_there_is_nobody_of_a_key_that_nobody_has(people: dict[str, User]) -> None:
    assert bearer.read(10_000_000) is None


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (lambda user: user.groups.clear(), 403, "not_allowed"),
        (lambda user: User.objects.filter(pk=user.pk).update(is_active=False), 401, "user_inactive"),
        (lambda user: User.objects.filter(pk=user.pk).update(password="another"), 401, "password_changed"),
        (lambda user: user.delete(), 401, "user_not_found"),
    ],
)
def test_what_is_taken_from_an_account_binds_at_its_next_request(
    as_: Callable[[str], APIClient], people: dict[str, User], change: Any, status: int, code: str, known: bool
) -> None:
    client = as_("manager")
    if known:
        assert client.get(STATS).status_code == 200
    change(people["manager"])
    answer = client.get(STATS)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_role_that_is_given_binds_at_the_next_request(
    as_: Callable[[str], APIClient], people: dict[str, User]
) -> None:
    client = as_("nobody")
    assert client.get(STATS).status_code == 403
    people["nobody"].groups.add(Group.objects.get(name="dispatcher"))
    assert client.get(STATS).status_code == 200


def test_a_known_token_ends_when_it_expires(
    as_: Callable[[str], APIClient], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    client = as_("manager")
    assert client.get(STATS).status_code == 200
    (token,) = bearer._good.values()
    monkeypatch.setitem(token.payload, "exp", 1)  # as the clock would have it in ten minutes
    looked: list[bytes] = []
    parent = bearer.JWTAuthentication.get_validated_token
    monkeypatch.setattr(
        bearer.JWTAuthentication, "get_validated_token", lambda self, raw: looked.append(raw) or parent(self, raw)
    )
    client.get(STATS)
    assert len(looked) == 1


def test_a_token_that_differs_in_one_letter_from_a_known_one_is_refused(people: dict[str, User]) -> None:
    client, token = APIClient(), str(AccessToken.for_user(people["manager"]))
    for last, status in (("", 200), ("A", 401)):
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}{last}")
        assert client.get(STATS).status_code == status


def test_no_more_tokens_are_known_than_there_is_room_for(
    people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearer, "KNOWN", 3)
    for _ in range(8):
        bearer.Bearer().get_validated_token(str(AccessToken.for_user(people["manager"])).encode())
        assert len(bearer._good) <= 3


def test_a_token_that_names_nobody_is_refused(people: dict[str, User]) -> None:
    for claim in (None, "x"):
        token = AccessToken()
        if claim is not None:
            token["user_id"] = claim
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        answer = client.get(STATS)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")


def test_a_database_that_is_away_is_503_and_no_401(
    as_: Callable[[str], APIClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any) -> Any:
        raise OperationalError("no route")

    monkeypatch.setattr(bearer, "fetch", away)
    assert as_("manager").get(STATS).status_code == 503
