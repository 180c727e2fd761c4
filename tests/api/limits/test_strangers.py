"""Who is not signed in is counted by address: sign-ins, and guesses at tokens."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.conftest import PASSWORD

from .asking import NO_RUN, TOKEN, sign_in

pytestmark = pytest.mark.django_db


def test_sign_ins_are_limited_by_address_and_headers_reset_nothing(counting: Any, people: Any) -> None:
    codes = [
        sign_in(headers={"X-Forwarded-For": f"192.0.2.{n}", "X-Real-IP": f"192.0.2.{n}", "Forwarded": f"for=192.0.2.{n}"})
        .status_code
        for n in range(21)
    ]  # fmt: skip
    assert codes == [401] * 20 + [429]
    refused = sign_in(PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited") and int(refused["Retry-After"]) <= 61
    assert "20 attempts to sign in from one address are allowed in one minute" in refused.json()["detail"]
    assert APIClient().post(f"{TOKEN}refresh/", {"refresh": "x"}, format="json").status_code == 429
    assert sign_in(PASSWORD, REMOTE_ADDR="192.0.2.77").status_code == 200


def test_behind_a_trusted_proxy_two_clients_are_two(counting: Any, people: Any, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1

    def ask(client: str, wrote: str = "") -> int:
        listed = ", ".join(part for part in (wrote, client) if part)
        return sign_in(REMOTE_ADDR="10.0.0.5", headers={"X-Forwarded-For": listed}).status_code

    assert [ask("192.0.2.1", f"198.51.100.{n}") for n in range(21)] == [401] * 20 + [429]
    assert ask("192.0.2.2") == 401
    assert ask("192.0.2.1", "192.0.2.3") == 429


def test_who_guesses_tokens_is_counted_by_address(counting: Any, people: Any, as_: Any) -> None:
    guessing = APIClient()
    guessing.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    codes = [guessing.get(NO_RUN).status_code for _ in range(10)] + [
        APIClient().get(NO_RUN).status_code for _ in range(10)
    ]
    assert codes == [401] * 20
    assert guessing.get(NO_RUN).status_code == APIClient().get("/api/nothing").status_code == 429
    assert as_("manager").get(NO_RUN).status_code == 404  # from the same address, with a token
    assert sign_in(PASSWORD).status_code == 200
