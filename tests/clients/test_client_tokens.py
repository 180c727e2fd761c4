"""A sign-in is renewed by one at a time, kept before it is used, and never brought twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from roundsman_client import ApiError, Client, Memory, NotSignedIn, Tokens

from queues.models import TokenFamily

from .conftest import Naps
from .faults import LosesAnswers, Refuses

SignedIn = Callable[..., Client]
REFRESH = "/api/token/refresh/"


class Noted(Memory):
    """All pairs that were kept."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Tokens | None] = []

    def save(self, tokens: Tokens | None) -> None:
        self.kept.append(tokens)
        super().save(tokens)


def stale(store: Memory, **values: object) -> None:
    """The access token is about to end."""
    tokens = store.load()
    assert tokens is not None
    store.save(replace(tokens, renew_at_s=0.0, **values))  # type: ignore[arg-type]


def test_a_token_about_to_end_is_renewed_first_and_kept(signed_in: SignedIn) -> None:
    store = Noted()
    client = signed_in(store=store)
    first = store.load()
    stale(store)
    client.status()
    now = store.load()
    assert now is not None and first is not None and now.refresh != first.refresh and len(store.kept) == 3
    client.status()
    assert len(store.kept) == 3


def test_a_refused_token_is_renewed_and_the_request_sent_again(signed_in: SignedIn) -> None:
    store = Memory()
    client = signed_in(store=store)
    tokens = store.load()
    assert tokens is not None
    store.save(replace(tokens, access="spoiled"))
    assert client.status()["queues"]


def test_many_threads_renew_once(signed_in: SignedIn) -> None:
    store = Noted()
    client = signed_in(store=store)
    stale(store)
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(lambda _: client.status(), range(8)))) == 8
    assert len(store.kept) == 3 and not TokenFamily.objects.exists()


def test_a_refresh_whose_answer_was_lost_is_not_brought_again(signed_in: SignedIn) -> None:
    way, store = LosesAnswers(REFRESH), Memory()
    client = signed_in(store=store, transport=way, sleep=Naps())
    stale(store)
    with pytest.raises(NotSignedIn, match="Sign in again"):
        client.status()
    assert client.status()["queues"], "the access token is good still"
    assert way.sent == 1 and not TokenFamily.objects.exists(), "nothing looks stolen"


def test_ctrl_c_while_tokens_are_renewed_makes_nothing_look_stolen(signed_in: SignedIn) -> None:
    way, store = LosesAnswers(REFRESH, error=KeyboardInterrupt), Memory()
    client = signed_in(store=store, transport=way, sleep=Naps())
    stale(store)
    with pytest.raises(KeyboardInterrupt):
        client.status()
    assert client.status()["queues"] and way.sent == 1 and not TokenFamily.objects.exists()


def test_a_server_that_is_busy_is_asked_later_for_the_next_tokens(signed_in: SignedIn) -> None:
    way, store, naps = Refuses(503, 1, REFRESH, {"Retry-After": "3"}), Memory(), Naps()
    client = signed_in(store=store, transport=way, sleep=naps)
    stale(store)
    assert client.status()["queues"] and naps.took_s == [3.0]


def test_signing_out_ends_the_tokens(signed_in: SignedIn, server: str) -> None:
    client = signed_in()
    tokens = client.tokens
    client.sign_out()
    assert tokens is not None and client.tokens is None
    with pytest.raises(NotSignedIn, match="sign in"):
        client.status()
    with Client(server, token=tokens.access) as other, pytest.raises(ApiError) as refused:
        other.status()
    assert refused.value.status == 401


def test_a_sign_in_that_has_ended_is_told(signed_in: SignedIn) -> None:
    store = Memory()
    client = signed_in(store=store)
    user = User.objects.get(username="admin")
    user.set_password("another-password-8")
    user.save()
    with pytest.raises(NotSignedIn, match="ended"):
        client.status()
    assert store.load() is None


def test_a_wrong_password_is_refused(server: str) -> None:
    with Client(server) as client, pytest.raises(ApiError) as refused:
        client.sign_in("admin", "wrong")
    assert (refused.value.status, refused.value.code) == (401, "no_active_account")


def test_either_a_token_or_a_key() -> None:
    with pytest.raises(ValueError, match="not both"):
        Client("http://roundsman.example", token="a", api_key="b")
