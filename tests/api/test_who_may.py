"""Who is let into the API, and when a change of that binds. Every address with every method is in test_matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import BasePermission
from rest_framework.test import APIClient

from queues.api.permissions import ByPolicy
from queues.models import Run

pytestmark = pytest.mark.django_db


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for each in patterns:
        where = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, where)
        else:
            yield where, each.callback


def api_routes() -> dict[str, Any]:
    return {where: view for where, view in routes(get_resolver().url_patterns) if where.lstrip("^").startswith("api")}


def test_every_view_asks_the_policy_and_nothing_else() -> None:
    for where, view in api_routes().items():
        assert list(view.cls.permission_classes) == [ByPolicy], where
        assert view.cls.needs, where


def test_a_view_that_declares_nothing_lets_nobody_in(people: dict[str, Any]) -> None:
    from rest_framework.settings import api_settings
    from rest_framework.test import APIRequestFactory, force_authenticate
    from rest_framework.views import APIView

    class Forgotten(APIView):
        def get(self, request: Any) -> Any:
            raise AssertionError("reached")

    people["admin"].is_superuser = True
    request = APIRequestFactory().get("/")
    force_authenticate(request, people["admin"])
    assert [issubclass(each, BasePermission) for each in api_settings.DEFAULT_PERMISSION_CLASSES] == [True]
    assert Forgotten.as_view()(request).status_code == 403


def test_a_role_taken_away_binds_at_the_next_request(as_: Callable[[str], APIClient], people: dict[str, Any]) -> None:
    client = as_("manager")
    assert client.get("/api/v1/queue/stats").status_code == 200
    people["manager"].groups.clear()
    assert client.get("/api/v1/queue/stats").status_code == 403


@pytest.mark.parametrize("how", ["off", "password"])
def test_an_account_switched_off_or_with_a_new_password_is_out_at_once(
    as_: Callable[[str], APIClient], people: dict[str, Any], how: str
) -> None:
    client, user = as_("manager"), people["manager"]
    if how == "off":
        user.is_active = False
    else:
        user.set_password("another-long-password-8")
    user.save()
    answer = client.get("/api/v1/queue/stats")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_run_of_another_queue_is_not_found_by_its_id(
    as_: Callable[[str], APIClient], a_run: Callable[..., Run]
) -> None:
    """The right on one queue does not reach into another by naming the wrong one in the URL."""
    run = a_run("billing")
    for path in ("", "/cancel", "/retry"):
        method = "GET" if not path else "POST"
        url = f"/api/v1/queue/route-optimization/jobs/{run.id}{path}"
        answer = as_("dispatcher").generic(method, url, b"{}" if path else b"", "application/json")
        assert answer.status_code == 404, path
    run.refresh_from_db()
    assert run.state == "pending"


def test_the_session_opens_the_schema_and_its_page_but_no_queue(people: dict[str, Any]) -> None:
    client = APIClient()
    client.force_login(people["dispatcher"])
    assert client.get("/api/schema/").status_code == 200
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert b"drf_spectacular_sidecar/swagger-ui-dist" in page.content
    assert b"https://" not in page.content
    assert client.get("/api/v1/queue/stats").status_code == 401
    assert client.post("/api/v1/queue/jobs", {}, format="json").status_code == 401


def test_probes_need_no_token_and_learn_nothing_else(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = client.get("/healthz", headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, answer.json()) == (200, {"status": "up"})

    from django.db import OperationalError

    from queues.api import reads

    def away() -> bool:
        raise OperationalError("the password of the database is hunter2")

    monkeypatch.setattr(reads, "database_up", away)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "down"})
    assert client.post("/healthz").status_code == 405
