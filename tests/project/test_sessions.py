"""A session is kept under the digest of its key: the cookie opens it, what is in the tables and the cache does not."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.test import Client

from project.sessions import SessionStore, digest


@pytest.fixture
def signed_in(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ada", password="a-long-password-7"))
    return client


@pytest.fixture(autouse=True)
def a_cache(settings: Any) -> None:
    settings.CACHES = {
        **settings.CACHES, "sessions": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "sessions"}
    }  # fmt: skip
    caches["sessions"].clear()


def with_key(key: str) -> int:
    client = Client()
    client.cookies["sessionid"] = key
    return client.get("/admin/").status_code


def test_the_cookie_opens_the_session_and_what_is_kept_does_not(signed_in: Client) -> None:
    key = signed_in.cookies["sessionid"].value
    kept = Session.objects.get().session_key
    assert kept == digest(key) != key
    assert with_key(key) == 200 and with_key(kept) == 302
    assert not any(key in str(each) for each in caches["sessions"]._cache)  # type: ignore[attr-defined]
    caches["sessions"].clear()
    assert with_key(key) == 200  # from the database


def test_signing_out_and_in_leave_no_session_behind(signed_in: Client) -> None:
    first = signed_in.cookies["sessionid"].value
    assert signed_in.post("/admin/logout/").status_code == 200
    assert not Session.objects.filter(session_key=digest(first)).exists() and with_key(first) == 302


def test_a_session_that_nobody_has_is_none_and_gets_another_key(db: None) -> None:
    store = SessionStore("k" * 32)
    store["n"] = 1
    store.save()
    assert store.session_key != "k" * 32 and SessionStore(store.session_key)["n"] == 1
    assert store.exists(store.session_key) and not store.exists("k" * 32) and not store.exists(None)
    store.cycle_key()
    assert SessionStore(store.session_key)["n"] == 1 and Session.objects.count() == 1
    store.flush()
    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_code_that_awaits_finds_the_same_session() -> None:
    async def through() -> Any:
        store = SessionStore()
        await store.aset("n", 2)
        await store.asave()
        key = store.session_key
        caches["sessions"].clear()
        again = SessionStore(key)
        found = await again.aget("n"), await again.aexists(key)
        await again.adelete()
        return found, await again.aexists(key), SessionStore("k" * 32)

    found, still, stranger = async_to_sync(through)()
    assert (found, still) == ((2, True), False)
    assert stranger.get("n") is None and not Session.objects.exists()
