"""Signing in, and the next pair: a refresh token works once, and never for an account that changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from queues.api.serializers import OnceRefreshToken

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(username: str = "manager", password: str = PASSWORD) -> Any:
    return APIClient().post("/api/token/", {"username": username, "password": password}, format="json")


def refresh(token: str) -> Any:
    return APIClient().post("/api/token/refresh/", {"refresh": token}, format="json")


def test_a_pair_opens_the_api_and_is_not_cached(people: dict[str, User]) -> None:
    answer = sign_in()
    assert (answer.status_code, set(answer.json()), answer["Cache-Control"]) == (200, {"access", "refresh"}, "no-store")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    assert client.get("/api/v1/queue/stats").status_code == 200


@pytest.mark.parametrize(("username", "password"), [("manager", "wrong"), ("stranger", PASSWORD)])
def test_a_wrong_password_and_an_unknown_name_look_the_same(people: Any, username: str, password: str) -> None:
    answer = sign_in(username, password)
    assert (answer.status_code, answer.json()["code"]) == (401, "no_active_account")
    assert answer.json()["detail"] == "No active account found with the given credentials"


def test_an_account_that_is_off_gets_no_token(people: dict[str, User]) -> None:
    User.objects.filter(username="manager").update(is_active=False)
    assert sign_in().status_code == 401


def test_a_refresh_token_works_once(people: dict[str, User]) -> None:
    first = sign_in().json()
    answer = refresh(first["refresh"])
    assert answer.status_code == 200
    assert answer.json()["refresh"] != first["refresh"]
    assert refresh(first["refresh"]).status_code == 401
    assert refresh(answer.json()["refresh"]).status_code == 200


def test_of_two_that_bring_it_at_once_one_is_refused(people: dict[str, User]) -> None:
    """Both have passed the look at the blacklist when the first one writes it."""
    from rest_framework_simplejwt.exceptions import TokenError

    given = sign_in().json()["refresh"]
    one, other = OnceRefreshToken(given), OnceRefreshToken(given)
    one.blacklist()
    with pytest.raises(TokenError):
        other.blacklist()


@pytest.mark.parametrize("change", ["password", "off", "gone"])
def test_an_account_that_changed_gets_no_next_pair(people: dict[str, User], change: str) -> None:
    given, user = sign_in().json()["refresh"], people["manager"]
    if change == "gone":
        user.delete()
    else:
        user.set_password("another-long-password-8") if change == "password" else None
        user.is_active = change != "off"
        user.save()
    answer = refresh(given)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", ""])
def test_nonsense_is_refused_with_a_problem(people: Any, token: str) -> None:
    answer = refresh(token)
    assert answer.status_code == (401 if token else 422)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    answer = client.get("/api/v1/queue/stats")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_a_refresh_token_is_no_access_token(people: dict[str, User]) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in().json()['refresh']}")
    assert client.get("/api/v1/queue/stats").status_code == 401


def test_a_token_of_another_house_is_refused(people: dict[str, User], settings: Any) -> None:
    import jwt
    from rest_framework_simplejwt.tokens import AccessToken

    mine = AccessToken.for_user(people["admin"])
    for change in ({"aud": "elsewhere"}, {"iss": "elsewhere"}, {"exp": 1}):
        forged = jwt.encode({**mine.payload, **change}, settings.JWT_SIGNING_KEY, algorithm="HS256")
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {forged}")
        assert client.get("/api/v1/queue/stats").status_code == 401, change
    unsigned = jwt.encode({**mine.payload, "aud": "roundsman", "iss": "roundsman"}, None, algorithm="none")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {unsigned}")
    assert client.get("/api/v1/queue/stats").status_code == 401
