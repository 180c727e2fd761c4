"""Tokens of one sign-in stand and fall together: one that comes twice ends them all, and so does signing out."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from uuid_utils import uuid7

from queues.api import bearer, families
from queues.ledger import clock
from queues.models import AuditEntry, TokenFamily

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db
STATS = "/api/v1/queue/stats"


def sign_in(username: str = "manager") -> dict[str, str]:
    answer = APIClient().post("/api/token/", {"username": username, "password": PASSWORD}, format="json")
    assert answer.status_code == 200
    return dict(answer.json())


def refresh(token: str) -> Any:
    return APIClient().post("/api/token/refresh/", {"refresh": token}, format="json")


def sign_out(token: str) -> Any:
    return APIClient().post("/api/token/revoke/", {"refresh": token}, format="json")


def asks(access: str) -> Any:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client.get(STATS)


def test_a_refresh_token_that_comes_twice_ends_every_token_of_its_sign_in(people: dict[str, User]) -> None:
    first, other = sign_in(), sign_in()
    second = refresh(first["refresh"]).json()
    third = refresh(second["refresh"]).json()
    assert asks(third["access"]).status_code == 200
    assert refresh(first["refresh"]).status_code == 401
    for access in (first["access"], second["access"], third["access"]):
        answer = asks(access)
        assert (answer.status_code, answer.json()["code"]) == (401, "signed_out")
    assert refresh(third["refresh"]).status_code == 401
    live = OutstandingToken.objects.filter(blacklistedtoken__isnull=True)
    assert [each.token for each in live] == [other["refresh"].rpartition(".")[0] + "."]
    assert asks(other["access"]).status_code == 200
    assert refresh(other["refresh"]).status_code == 200


def test_a_reuse_is_in_the_audit_log_once_and_without_the_token(people: dict[str, User]) -> None:
    first = sign_in()
    refresh(first["refresh"])
    for _ in range(3):
        assert refresh(first["refresh"]).status_code == 401
    (entry,) = AuditEntry.objects.filter(action="token.reuse")
    assert (entry.object_type, entry.object_id, entry.source) == ("user", str(people["manager"].pk), "api")
    assert first["refresh"] not in str((entry.before, entry.after, entry.why))


def test_of_two_that_come_at_once_both_lose_the_sign_in(people: dict[str, User]) -> None:
    """Nobody can tell which of them is the thief."""
    given = sign_in()
    one, other = families.OnceRefreshToken(given["refresh"]), families.OnceRefreshToken(given["refresh"])
    one.blacklist()
    with pytest.raises(families.UsedAgain) as caught:
        other.blacklist()
    assert families.end(caught.value.token, TokenFamily.Reason.REUSED)
    assert asks(given["access"]).status_code == 401


def test_signing_out_ends_the_sign_in_at_once_and_no_other(people: dict[str, User]) -> None:
    mine, other = sign_in(), sign_in()
    answer = sign_out(mine["refresh"])
    assert (answer.status_code, answer.content, answer["Cache-Control"]) == (204, b"", "no-store")
    assert asks(mine["access"]).json()["code"] == "signed_out"
    assert refresh(mine["refresh"]).status_code == 401
    assert asks(other["access"]).status_code == 200
    assert not AuditEntry.objects.filter(action="token.reuse").exists()


def test_signing_out_twice_or_with_a_used_token_is_signing_out(people: dict[str, User]) -> None:
    first = sign_in()
    second = refresh(first["refresh"]).json()
    assert [sign_out(first["refresh"]).status_code for _ in range(2)] == [204, 204]
    assert asks(second["access"]).status_code == 401


@pytest.mark.parametrize("token", ["nonsense", "a.b.c"])
def test_what_is_no_token_signs_nobody_out(people: Any, token: str) -> None:
    answer = sign_out(token)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_an_access_token_signs_nobody_out(people: dict[str, User]) -> None:
    given = sign_in()
    assert sign_out(given["access"]).status_code == 401
    assert asks(given["access"]).status_code == 200


def test_an_ended_sign_in_is_found_in_the_one_statement_that_reads_the_account(
    people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = sign_in()
    sign_out(given["refresh"])
    asked: list[str] = []
    fetch = bearer.fetch
    monkeypatch.setattr(bearer, "fetch", lambda sql, params: asked.append(sql) or fetch(sql, params))
    with CaptureQueriesContext(connection) as seen:
        assert asks(given["access"]).status_code == 401
    assert len(asked) == 1 and len(seen) <= 1  # PostgreSQL's goes past Django's log


def test_families_are_forgotten_when_none_of_their_tokens_can_live(people: dict[str, User]) -> None:
    sign_out(sign_in()["refresh"])
    TokenFamily.objects.update(forget_at=clock.now() - timedelta(seconds=1))
    (old,) = TokenFamily.objects.values_list("pk", flat=True)
    sign_out(sign_in()["refresh"])
    assert old not in TokenFamily.objects.values_list("pk", flat=True)
    assert TokenFamily.objects.count() == 1


def test_a_family_is_kept_longer_than_its_youngest_token_can_live(people: dict[str, User], settings: Any) -> None:
    sign_out(sign_in()["refresh"])
    (row,) = TokenFamily.objects.all()
    assert row.forget_at - row.revoked_at > settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]


def test_a_sign_in_is_no_word_of_the_clients(people: dict[str, User]) -> None:
    """Two tokens of one account are of two families: who has one ends one."""
    one, two = (families.OnceRefreshToken(sign_in()["refresh"]) for _ in range(2))
    assert families.family_of(one) != families.family_of(two)
    assert families.family_of(one.access_token) == families.family_of(one)


def test_no_view_of_the_api_takes_tokens_past_the_families() -> None:
    """The library's own class knows nothing of them."""
    from rest_framework.authentication import SessionAuthentication

    from queues.api.keys import Keys

    from .test_who_may import api_routes

    for where, view in api_routes().items():
        assert set(view.cls.authentication_classes) <= {Keys, bearer.Bearer, SessionAuthentication}, where


@pytest.mark.parametrize(("beyond_s", "status"), [(-60, 200), (60, 401)])
def test_however_often_it_is_refreshed_a_sign_in_ends_after_its_days(
    people: dict[str, User], settings: Any, beyond_s: int, status: int
) -> None:
    age_s = settings.SIGN_IN_MAX_DAYS * 86400 + beyond_s
    token = families.OnceRefreshToken(sign_in()["refresh"])
    token[bearer.FAMILY] = uuid7(nanoseconds=int((clock.now().timestamp() - age_s) * 1e9)).hex
    assert refresh(str(token)).status_code == status


def test_a_sign_in_that_does_not_tell_when_it_began_is_not_renewed(people: dict[str, User]) -> None:
    token = families.OnceRefreshToken(sign_in()["refresh"])
    token[bearer.FAMILY] = uuid4().hex
    assert refresh(str(token)).status_code == 401


def test_who_reads_the_librarys_list_of_tokens_can_use_none_of_them(people: dict[str, User]) -> None:
    pair = sign_in()
    refresh(pair["refresh"])
    for kept in OutstandingToken.objects.values_list("token", flat=True):
        assert kept.endswith(".") and refresh(kept).status_code == 401
    assert OutstandingToken.objects.count() == 2


def test_tokens_listed_before_lose_their_signature_and_go_on(people: dict[str, User]) -> None:
    pair = sign_in()
    OutstandingToken.objects.update(token=pair["refresh"])
    import_module("queues.migrations.0012_unsigned_tokens").strip(apps, None)
    assert OutstandingToken.objects.get().token == pair["refresh"].rpartition(".")[0] + "."
    assert refresh(pair["refresh"]).status_code == 200
