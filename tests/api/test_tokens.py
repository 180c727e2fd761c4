"""Signing in, and the next pair: a refresh token works once, and never for an account that changed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from queues.api.families import OnceRefreshToken

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
    assert refresh(answer.json()["refresh"]).status_code == 200
    assert refresh(first["refresh"]).status_code == 401


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


# --- forgeries ---


def claims(user: User, **changes: Any) -> dict[str, Any]:
    """What a good access token of this account says, and the changes; None takes a claim away."""
    found = {**AccessToken.for_user(user).payload, "aud": "roundsman", "iss": "roundsman", **changes}
    return {name: value for name, value in found.items() if value is not None}


def by_hand(header: dict[str, Any], payload: dict[str, Any], key: bytes, digest: str = "sha256") -> str:
    """A token that no library would make. An empty key: no signature."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    body = ".".join(part(json.dumps(each).encode()) for each in (header, payload))
    return f"{body}.{part(hmac.new(key, body.encode(), digest).digest()) if key else ''}"


def knocks(token: str) -> int:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return int(client.get("/api/v1/queue/stats").status_code)


def test_a_token_made_by_hand_like_ours_is_ours(people: dict[str, User], settings: Any) -> None:
    """So that the forgeries below are refused for what is forged in them."""
    key = settings.JWT_SIGNING_KEY.encode()
    assert knocks(by_hand({"alg": "HS256", "typ": "JWT"}, claims(people["admin"]), key)) == 200


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "elsewhere"}, {"aud": None}, {"iss": "elsewhere"}, {"iss": None}, {"exp": 1}, {"exp": None},
        {"exp": int(time.time()) - 1}, {"token_type": "refresh"}, {"token_type": None}, {"jti": None}, {"family": "x"},
        {"hash_password": None}, {"user_id": None},
    ],
)  # fmt: skip
def test_a_token_of_ours_that_says_something_else_is_refused(
    people: dict[str, User], settings: Any, change: dict[str, Any]
) -> None:
    token = jwt.encode(claims(people["admin"], **change), settings.JWT_SIGNING_KEY, algorithm="HS256")
    assert knocks(token) == 401


@pytest.mark.parametrize("name", ["none", "None", "nOnE", "", "RS256", "ES256", "PS256", "HS384", "HS512"])
def test_one_algorithm_is_taken_and_no_other(people: dict[str, User], settings: Any, name: str) -> None:
    """Even where the signature fits the right key."""
    payload, key = claims(people["admin"]), settings.JWT_SIGNING_KEY.encode()
    digest = {"HS384": "sha384", "HS512": "sha512"}.get(name, "sha256")
    assert knocks(by_hand({"alg": name, "typ": "JWT"}, payload, key, digest)) == 401
    assert knocks(by_hand({"alg": name, "typ": "JWT"}, payload, b"")) == 401


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../../../dev/null"}, {"kid": "' UNION SELECT 'x"}, {"jku": "https://elsewhere.example/keys"},
        {"x5u": "https://elsewhere.example/cert"}, {"jwk": {"kty": "oct", "k": "eA"}},
    ],
)  # fmt: skip
def test_a_header_that_names_a_key_names_none(people: dict[str, User], header: dict[str, Any]) -> None:
    for key in (b"x", hashlib.sha256(b"").digest()):
        assert knocks(by_hand({"alg": "HS256", "typ": "JWT", **header}, claims(people["admin"]), key)) == 401


@pytest.mark.parametrize("key", ["SECRET_KEY", "METRICS_TOKEN"])
def test_no_other_secret_of_ours_signs_tokens(people: dict[str, User], settings: Any, key: str) -> None:
    assert knocks(by_hand({"alg": "HS256"}, claims(people["admin"]), getattr(settings, key).encode())) == 401


def test_a_changed_payload_is_refused(people: dict[str, User]) -> None:
    head, _, signature = str(AccessToken.for_user(people["driver"])).split(".")
    body = json.dumps(claims(people["admin"])).encode()
    forged = f"{head}.{base64.urlsafe_b64encode(body).rstrip(b'=').decode()}.{signature}"
    assert knocks(forged) == 401
    assert knocks(f"{head}.{base64.urlsafe_b64encode(body).rstrip(b'=').decode()}.") == 401


def test_an_account_that_was_demoted_is_held_to_it_at_the_next_request(people: dict[str, User]) -> None:
    access = sign_in("admin").json()["access"]
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    assert client.get("/api/v1/queue/error-rules").status_code == 200
    people["admin"].groups.clear()
    assert client.get("/api/v1/queue/error-rules").status_code == 403
    assert client.get("/api/v1/queue/stats").status_code == 403


def test_the_settings_leave_one_algorithm_ten_minutes_and_a_key_of_its_own(settings: Any) -> None:
    said = settings.SIMPLE_JWT
    assert said["ALGORITHM"] == "HS256" and said["ACCESS_TOKEN_LIFETIME"].total_seconds() == 600
    assert said["ROTATE_REFRESH_TOKENS"] and said["BLACKLIST_AFTER_ROTATION"] and said["CHECK_REVOKE_TOKEN"]
    assert len(said["SIGNING_KEY"].encode()) >= 32 and said["SIGNING_KEY"] != settings.SECRET_KEY
    assert "VERIFYING_KEY" not in said and "JWK_URL" not in said and said["AUDIENCE"] and said["ISSUER"]
