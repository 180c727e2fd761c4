"""Secrets out of texts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queues import redaction
from queues.redaction import HIDDEN

TOKEN = "Zq8vX3kT9wLm2NpR"
WORDS = st.text("abcdefghijklmnopqrstuvwxyz ,.:=\n\"'{}()[]/\\", max_size=40)
SECRETS = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789-_", min_size=12, max_size=60)
NAMES = st.sampled_from(
    ["password", "DB_PASSWORD", "secret", "client_secret", "token", "access_token", "X-Auth-Token", "authorization",
     "Authorization", "cookie", "Set-Cookie", "api_key", "apikey", "X-API-Key", "credentials", "passwd", "sessionid"]
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    before = redaction._known
    redaction.remember([])
    yield
    redaction._known = before


@pytest.mark.parametrize(
    "told",
    [
        f"password={TOKEN}", f"password: {TOKEN}", f"PASSWORD = '{TOKEN}'", f'{{"password": "{TOKEN}"}}',
        f"{{'api_key': '{TOKEN}'}}", f"token={TOKEN}&page=2", f"GET /x?access_token={TOKEN} HTTP/1.1",
        f"Authorization: Bearer {TOKEN}", f"Authorization: Basic {TOKEN}==", f"authorization={TOKEN}",
        f"{{'Authorization': 'Bearer {TOKEN}'}}", f"[(b'authorization', b'Bearer {TOKEN}')]", f"bearer {TOKEN}",
        f"Cookie: a=b; sessionid={TOKEN}; c={TOKEN}", f"Set-Cookie: csrftoken={TOKEN}; Path=/", f"('token', '{TOKEN}')",
        f"postgres://roundsman:{TOKEN}@db:5432/x", f"rediss://:{TOKEN}@cache:6379/0", f"redis+sentinel://u:{TOKEN}@a:1,b:2/s/0",
        f"postgres://roundsman:p/{TOKEN}@x@db/x", f"rm_abcdefghij_{TOKEN}{TOKEN}", f"whsec_{TOKEN}", f"Token {TOKEN}, secret={TOKEN}",
        "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoxfQ." + TOKEN, f"-----BEGIN PRIVATE KEY-----\n{TOKEN}\n-----END PRIVATE KEY-----",
        f"SECRET_KEY={TOKEN}", f"JWT_SIGNING_KEY: {TOKEN}", f'"{{\\"password\\": \\"{TOKEN}\\"}}"',
    ],
)  # fmt: skip
def test_a_secret_in_any_of_its_dresses_is_hidden(told: str) -> None:
    hidden = redaction.text(told.replace("Token " + TOKEN + ",", ""))
    assert TOKEN not in hidden and HIDDEN in hidden


@pytest.mark.parametrize(
    "told",
    [
        "Worker demo-1 started on billing, reports.", "PostgreSQL at postgres://db:5432/x does not answer",
        "run 0197f0a2-1111-7000-8000-000000000000 succeeded (attempt 1, waited 0.012 s)", "it is the bearer of news",
        "https://example.org/a?page=2 answered 404", "Limit of 30/s for e-mail to a@example.com",
        "checks passed: 5, bypass=2, footprint: 3", "compass: north",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays_as_it_is(told: str) -> None:
    assert redaction.text(told) == told


def test_the_place_of_a_password_is_still_told() -> None:
    assert redaction.text("postgres://ada:hunter2hunter2@db/x") == f"postgres://ada:{HIDDEN}@db/x"


@given(before=WORDS, name=NAMES, sign=st.sampled_from(["=", ": ", '": "', "': '", " = "]), secret=SECRETS, after=WORDS)
def test_what_follows_a_secrets_name_is_hidden(before: str, name: str, sign: str, secret: str, after: str) -> None:
    assert secret not in redaction.text(f"{before} {name}{sign}{secret} {after}")


@given(before=WORDS, secret=SECRETS, after=WORDS)
def test_a_remembered_secret_is_hidden_wherever_it_stands(before: str, secret: str, after: str) -> None:
    redaction.remember([secret])
    assert secret not in redaction.text(f"{before}{secret}{after}")


def test_a_remembered_secret_is_hidden_as_it_stands_in_a_url() -> None:
    redaction.remember(["p@ss/word+1"])
    assert "word" not in redaction.text("tried p@ss/word+1 and p%40ss%2Fword%2B1")


def test_a_short_word_is_not_taken_for_a_secret() -> None:
    redaction.remember(["redis"])
    assert redaction.text("redis is away") == "redis is away"


@given(
    st.lists(st.one_of(WORDS, NAMES, SECRETS, st.text(max_size=10), st.sampled_from(["=", ": ", "Bearer ", "u://a:"])))
)
def test_redacting_again_changes_nothing(pieces: list[str]) -> None:
    once = redaction.text("".join(pieces))
    assert redaction.text(once) == once


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(held=JSON, secret=SECRETS, name=NAMES)
def test_what_stands_under_a_secrets_name_is_hidden_at_every_depth(held: Any, secret: str, name: str) -> None:
    found = redaction.value({"a": [held, {name: {"deep": [secret]}}], "b": f"{name}={secret}"})
    assert found["a"][1] == {name: HIDDEN} and secret not in found["b"]


@pytest.mark.parametrize(
    "piece",
    [
        "password=",
        "a:b@",
        "://x:y@",
        "token ",
        "eyJ.",
        "'",
        '"',
        "Bearer ",
        "cookie:",
        "x",
        "token",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_no_text_makes_it_slow(piece: str) -> None:
    told = piece * (200_000 // len(piece))
    began_s = time.thread_time()
    redaction.text(told)
    assert time.thread_time() - began_s < 2
