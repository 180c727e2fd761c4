"""The web beside the admin and the API: RQ's pages, errors in words, the caches."""

from __future__ import annotations

from uuid import uuid4

import pytest
import redis
from django.contrib.auth.models import Group, User
from django.core.cache import caches
from django.db import OperationalError
from django.test import Client, override_settings

from project.redis_url import PURPOSES, options
from queues import catalogue
from queues.engine import connections
from queues.engine.broker import RedisWindow
from queues.engine.window import Listed

pytestmark = pytest.mark.django_db


def signed_in(role: str) -> Client:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def rq_on(valkey_url: str):
    connections.close()
    with (
        redis.Redis.from_url(valkey_url) as client,
        override_settings(REDIS=dict.fromkeys(PURPOSES, options(valkey_url))),
    ):
        client.flushdb()
        yield client
    connections.close()


def test_rqs_page_shows_the_waiting_job_and_loses_none(rq_on: redis.Redis) -> None:
    window, waiting = RedisWindow(rq_on, rq_on), [Listed(uuid4(), "tests.job"), Listed(uuid4(), "tests.job")]
    window.offer("reports", waiting)
    admin = signed_in("admin")
    assert admin.get("/admin/rq/").status_code == 200
    place = sorted(catalogue.NAMES).index("reports")
    page = admin.get(f"/admin/rq/queues/{place}/").content.decode()
    assert all(str(run.id) in page for run in waiting)
    assert window.ids("reports") == [run.id for run in waiting]


@pytest.mark.parametrize("role", ["manager", "dispatcher", "driver"])
def test_rqs_pages_are_for_admins_alone(rq_on: redis.Redis, role: str) -> None:
    client = signed_in(role)
    for path in ("", "queues/0/", "stats.json"):
        assert client.get(f"/admin/rq/{path}").status_code == 403


def test_rqs_pages_lead_strangers_to_the_login(client: Client) -> None:
    assert client.get("/admin/rq/").status_code == 302


def test_a_database_that_is_away_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = signed_in("admin")

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("queues.admin.dashboard.dashboard_context", away)
    answer = admin.get("/admin/")
    assert answer.status_code == 503 and answer["Retry-After"] == "5"
    assert "Nothing is lost" in answer.content.decode()


def test_a_page_that_is_not_there_is_told_in_words(client: Client) -> None:
    answer = client.get("/no/such/page")
    assert answer.status_code == 404 and "There is no such page" in answer.content.decode()


def test_sessions_survive_a_redis_that_is_away() -> None:
    assert signed_in("admin").get("/admin/").status_code == 200  # the tests' REDIS_URL leads nowhere


def test_a_cache_without_its_server_is_a_miss_and_no_error() -> None:
    caches["default"].set("k", 1)
    assert caches["default"].get("k") is None


def test_what_json_cannot_hold_is_not_cached_and_no_error() -> None:
    caches["default"].set("k", object())
    assert caches["default"].get("k") is None


def test_the_search_in_the_menu_finds_what_there_is() -> None:
    answer = signed_in("admin").get("/admin/search/?s=runs")
    assert answer.status_code == 200 and "/admin/queues/run/" in answer.content.decode()


def test_the_root_leads_to_the_admin(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/admin/"
