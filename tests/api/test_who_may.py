"""Every URL under /api/, every method, every role: the table says what happens, and an unlisted route is a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import BasePermission
from rest_framework.test import APIClient

from queues.api.permissions import ByPolicy
from queues.models import Run

pytestmark = pytest.mark.django_db
WHO = ("anonymous", "admin", "manager", "dispatcher", "customer", "driver", "nobody")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
NO_SUCH_RUN = UUID("01981c2e-5f2a-7c44-9a57-1f0d6f1f9f10")
RUN = "api/v1/queue/<str:queue>/jobs/<uuid:run_id>"

# route → method → the status for each of WHO. A method that is not named is 405 (401 for strangers who may not come in).
# Bodies are empty: 422 says that the door was open.
TABLE: dict[str, dict[str, tuple[int, ...]]] = {
    "api/token/": {"POST": (422,) * 7},
    "api/token/refresh/": {"POST": (422,) * 7},
    "api/schema/": {"GET": (401, 200, 200, 200, 200, 200, 200)},
    "api/docs/": {"GET": (302, 200, 200, 200, 200, 200, 200)},
    "api/v1/queue/status": {"GET": (401, 200, 200, 200, 403, 403, 403)},
    "api/v1/queue/stats": {"GET": (401, 200, 200, 200, 403, 403, 403)},
    "api/v1/queue/stats/<str:queue>": {"GET": (401, 200, 200, 200, 403, 403, 403)},
    "api/v1/queue/health": {"GET": (401, 200, 200, 200, 403, 403, 403)},
    "api/v1/queue/error-rules": {
        "GET": (401, 200, 403, 403, 403, 403, 403),
        "PUT": (401, 422, 403, 403, 403, 403, 403),
        "DELETE": (401, 422, 403, 403, 403, 403, 403),
    },
    "api/v1/queue/jobs": {"POST": (401, 422, 422, 422, 403, 403, 403)},
    RUN: {"GET": (401, 200, 200, 200, 404, 404, 404)},
    f"{RUN}/cancel": {"POST": (401, 200, 200, 403, 404, 404, 404)},
    f"{RUN}/retry": {"POST": (401, 409, 409, 403, 404, 404, 404)},
    "api/v1/queue/all/pause": {"POST": (401, 422, 403, 403, 403, 403, 403)},
    "api/v1/queue/all/resume": {"POST": (401, 200, 403, 403, 403, 403, 403)},
    "api/v1/queue/<str:queue>/pause": {"POST": (401, 422, 403, 403, 403, 403, 403)},
    "api/v1/queue/<str:queue>/resume": {"POST": (401, 409, 403, 403, 403, 403, 403)},
    "api/v1/queue/<str:queue>/drain": {"POST": (401, 422, 403, 403, 403, 403, 403)},
    "api/v1/queue/<str:queue>/clean": {"POST": (401, 422, 403, 403, 403, 403, 403)},
    "api/admin/queue/retry-failed": {"POST": (401, 422, 403, 403, 403, 403, 403)},
    "api/admin/migration-status": {"GET": (401, 200, 403, 403, 403, 403, 403)},
    "^api(?:/(?P<path>.*))?$": dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), (404,) * 7),
}
PUBLIC = {"api/token/", "api/token/refresh/", "^api(?:/(?P<path>.*))?$"}


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for each in patterns:
        where = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, where)
        else:
            yield where, each.callback


def api_routes() -> dict[str, Any]:
    return {where: view for where, view in routes(get_resolver().url_patterns) if where.lstrip("^").startswith("api")}


def test_every_route_of_the_api_is_in_the_table() -> None:
    assert set(api_routes()) == set(TABLE)


def test_every_view_asks_the_policy_and_nothing_else() -> None:
    for where, view in api_routes().items():
        assert list(view.cls.permission_classes) == [ByPolicy], where
        assert view.cls.needs, where


def expected(route: str, method: str, place: int) -> int:
    listed = TABLE[route].get("GET" if method == "HEAD" else method)
    if listed is not None:
        return 401 if (method, listed[place]) == ("HEAD", 302) else listed[place]
    return 401 if place == 0 and route not in PUBLIC else 405


@pytest.mark.parametrize("route", TABLE)
def test_the_table_holds(route: str, as_: Callable[[str], APIClient], a_run: Callable[..., Run], settings: Any) -> None:
    """The run is on billing: managers operate it, dispatchers only see it."""
    found = {}
    for place, who in enumerate(WHO):
        client = as_(who)
        for method in METHODS:
            run = a_run("billing")
            path = route.replace("<str:queue>", "billing").replace("<uuid:run_id>", str(run.id))
            path = "api/v9/elsewhere" if path.startswith("^") else path
            answer = client.generic(method, f"/{path}", b"{}" if method == "POST" else b"", "application/json")
            wanted = expected(route, method, place)
            if answer.status_code != wanted:
                found[who, method] = (answer.status_code, wanted)
            if answer.status_code >= 400 and method != "HEAD":
                assert answer["Content-Type"] == "application/problem+json", (who, method)
    assert not found


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
