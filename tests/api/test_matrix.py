"""Every address × every method × everybody, against the list in matrix_policy. What is not in the list fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, path
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import RefreshToken

from queues import models, registry
from queues.api.endpoint import Endpoint
from queues.contract import Actor
from queues.ledger import api_keys, clock
from queues.ledger.queue_settings import ensure_queues
from queues.ledger.requests import new_id
from routing import models as routing
from tests.admin import billing_scenes
from tests.api import matrix_policy as policy
from tests.api.matrix_policy import ADMIN, PEOPLE, QUEUES, ROWS, Queue, Row

pytestmark = pytest.mark.django_db
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ROLES = ("customer", "driver", "dispatcher", "manager", "admin")
NOT_STAFF = ("anonymous", "customer", "driver", "key")
MAY_MISS = ("admin/rq/", "admin/r/", "admin/(?P<url>")  # there is nothing, but the door is open
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "authorisation.md"
IN_API = frozenset(row.route for row in policy.API)
IN_ADMIN = frozenset(row.route for row in ADMIN)
Objects = dict[Queue, dict[str, Any]]


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for each in patterns:
        where = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, where)
        else:
            yield where


def unlisted() -> list[str]:
    return [route for route in routes(get_resolver().url_patterns) if route not in ROWS]


def test_every_address_is_in_the_list_and_no_other() -> None:
    assert unlisted() == []
    assert set(ROWS) - set(routes(get_resolver().url_patterns)) == set()


def test_the_page_is_made_from_the_list() -> None:
    assert PAGE.read_text() == policy.page_text(), "python -m tests.api.matrix_policy > docs/reference/authorisation.md"


# --- the stage: accounts, and one object of each kind on each of two queues ---


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[dict[str, Client], Objects]]:
    """Made once; every request is rolled back. Nothing is written to Redis: no commit, no bell."""
    quick = override_settings(
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        MIDDLEWARE=[each for each in settings.MIDDLEWARE if "prometheus" not in each and "whitenoise" not in each],
    )
    jobs = {queue: f"tests.matrix_{queue}" for queue in QUEUES}
    for queue, name in jobs.items():
        registry.spec(name, queue=queue, params=registry.NoParams)
    with django_db_blocker.unblock(), quick, transaction.atomic():
        ensure_queues()
        yield _clients(), {queue: _objects(queue, jobs[queue]) for queue in QUEUES}
        transaction.set_rollback(True)
    for name in jobs.values():
        registry.forget(name)


def _clients() -> dict[str, Client]:
    """Of everybody: with a session and with a token, so that neither is the reason for a refusal."""
    clients = {"anonymous": Client(raise_request_exception=False)}
    for who in PEOPLE[1:-1]:
        user = User.objects.create_user(f"matrix-{who}", is_staff=who not in NOT_STAFF, is_superuser=who == "superuser")
        if who in ROLES:
            user.groups.add(Group.objects.get_or_create(name=who)[0])
        token = RefreshToken.for_user(user).access_token
        clients[who] = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})
        clients[who].force_login(user)
        clients[who].kept = clients[who].cookies.output(header="", sep=";")  # type: ignore[attr-defined]
        if who == "admin":
            scope = {"actions": ["read", "enqueue"], "queues": ["billing"]}
            _, text = api_keys.make("Gate", user, actor=Actor.system(), **scope)
            clients["key"] = Client(raise_request_exception=False, headers={"X-API-Key": text})
    return clients


def _objects(queue: Queue, job: str) -> dict[str, Any]:
    """By what a route calls them: "queues/run" → its key."""
    now, tag = clock.now(), uuid4().hex[:8]
    definition = models.JobDefinition.objects.create(name=f"D {queue}", job=job)
    schedule = models.Schedule.objects.create(name=f"S {queue}", definition=definition, cron="0 5 * * *")
    run = models.Run.objects.create(
        id=new_id(), job=job, queue=queue, state="pending", definition=definition, created_at=now, due_at=now
    )
    worker = models.Worker.objects.create(id=new_id(), name="w", host="h", pid=1, started_at=now, beat_at=now)
    health = models.QueueHealth.objects.get_or_create(queue=queue)[0]
    sample = models.HealthSample.objects.create(queue=queue, at=now, depth=0, running=0, score=100, grade="A")
    effect = models.EffectRecord.objects.create(key=f"e:{tag}", run_id=run.id, job=job, created_at=now)
    call = models.OutboundCall.objects.create(
        id=new_id(), key=tag, provider="p", operation="o", idempotency_key=tag, created_at=now
    )
    rule = models.ErrorRule.objects.create(error_type=f"E{tag}", permanent=True)
    switch = models.Switch.objects.get_or_create(name="metrics", defaults={"on": True, "changed_at": now})[0]
    entry = models.AuditEntry.objects.create(
        at=now, actor="a", source="api", action="x.y", object_type="x", object_id="1"
    )
    area = routing.ServiceArea.objects.create(
        slug=tag, title=tag, source="f", digest=tag, speed_mph=20, imported_at=now
    )
    place = {"area": area, "x_ft": 0, "y_ft": 0, "open_s": 0, "close_s": 1}
    plan = routing.Plan.objects.create(
        id=new_id(), area=area, created_at=now, seed=1, budget_s=1, seconds=1, origin="o", routes_count=0, stops=0,
        served=0, distance_km=1, baseline_km=1, baseline_routes=1, improvement_percent=0,
    )  # fmt: skip
    vehicle = routing.Vehicle.objects.create(area=area, capacity_yd=1, daily_load_yd=1, daily_stops=1, lunch_s=1)
    someone = User.objects.create_user(f"someone-{tag}")
    key = models.ApiKey.objects.create(
        prefix=tag,
        name=tag,
        digest=tag,
        owner=someone,
        created_at=now,
        created_by="a",
        expires_at=now + timedelta(days=1),
    )
    alert = models.Alert.objects.create(
        id=new_id(), rule="queue_wait", queue=queue, level="warning", text="t", value=6, threshold=5, peak=6,
        opened_at=now, level_at=now, last_seen_at=now,
    )  # fmt: skip
    override = models.AlertOverride.objects.create(rule="queue_wait", queue=queue, warning=7, reason="r")
    owner = User.objects.get(username="matrix-manager" if queue == "billing" else "matrix-dispatcher")
    webhook = models.WebhookEndpoint.objects.create(
        id=new_id(), owner=owner, url="https://hooks.example.org/", queues=[queue], events=["run.dead"], secret="whsec_c2Vj",
        created_at=now, updated_at=now, created_by="a",
    )  # fmt: skip
    delivery = models.WebhookDelivery.objects.create(
        id=new_id(), endpoint=webhook, event="run.dead", key=tag, queue=queue, payload="{}", created_at=now, next_at=now
    )
    allowance = models.Allowance.objects.create(kind="role", name=queue[:20], bucket="general", count=1, per_s=60)
    return {
        **billing_scenes.keys(),
        "queues/run": run.pk, "queues/jobdefinition": definition.pk, "queues/schedule": schedule.pk, "queues/queue": queue,
        "queues/worker": worker.pk, "queues/queuehealth": health.pk, "queues/healthsample": sample.pk,
        "queues/effectrecord": effect.pk, "queues/outboundcall": call.pk, "queues/errorrule": rule.pk,
        "queues/switch": switch.pk, "queues/auditentry": entry.pk, "queues/allowance": allowance.pk,
        "queues/webhookendpoint": webhook.pk, "queues/webhookdelivery": delivery.pk,
        "queues/alert": alert.pk, "queues/alertoverride": override.pk, "queues/apikey": key.pk, "auth/user": someone.pk, "auth/group": Group.objects.get(name="driver").pk,
        "routing/plan": plan.pk, "routing/servicearea": area.pk, "routing/vehicle": vehicle.pk,
        "routing/servicestop": routing.ServiceStop.objects.create(load_yd=1, node=1, **place).pk,
        "routing/depot": routing.Depot.objects.create(node=2, **place).pk,
        "routing/disposalsite": routing.DisposalSite.objects.create(node=3, **place).pk,
    }  # fmt: skip


def address(route: str, queue: Queue, objects: dict[str, Any]) -> str:
    """A real address for a route, about an object of this queue."""
    own = {
        "api/v1/alerts": "queues/alert", "api/v1/definitions": "queues/jobdefinition", "api/v1/schedules": "queues/schedule", "api/v1/keys": "queues/apikey",
        "api/v1/webhooks": "queues/webhookendpoint", "admin/billing/billingrun/item": "billing/runitem",
        "admin/billing/payment/allocation": "billing/allocation", "admin/billing/standing/customer": "billing/customer",
        "admin/billing/customer/method": "billing/paymentmethod",
    }  # fmt: skip
    kind = next((label for start, label in own.items() if route.startswith(start)), "/".join(route.split("/")[1:3]))
    key = str(objects.get(kind, "1"))
    found = route
    for name, value in {
        "<str:queue>": queue, "<slug:name>": key, "<uuid:run_id>": str(objects["queues/run"]), "<int:pk>": key,
        "<uuid:pk>": key, "<uuid:call_id>": key, "<uuid:delivery>": str(objects["queues/webhookdelivery"]), "<id>": key, "<path:content_type_id>": "0", "<str:outcome>": "done",
        "<str:form>": "csv", "<str:kind>": "pdf", "<int:queue_index>": "0", "<int:scheduler_index>": "0", "<int:connection_index>": "0",
        "<str:job_id>": "j", "<str:result_id>": "r", "<str:key>": "k", "<str:scheduler_name>": "s",
        "<path:cron_job_name>": "c", "<path:object_id>": key.replace("_", "_5F"),
        "^(?P<app_label>queues|auth|routing|billing)/$": "queues/", "(?P<url>.*)$": "no-such-page/", "^stats.json/?$": "stats.json",
        r"^stats.json/(?P<token>[\w]+)?/?$": "stats.json/abc", "^metrics/?$": "metrics",
        r"^api(?:/(?P<path>[\s\S]*))?$": "api/v9/elsewhere",
    }.items():  # fmt: skip
        found = found.replace(name, value)
    assert not set("<^$") & set(found), f"test_matrix.address does not know what to put into {route}"
    return f"/{found}"


def wanted(row: Row, method: str, who: str, queue: Queue) -> int | None:
    """The status that is expected; None: let in, whatever comes of it. A refusal in the admin may be 404 as well."""
    known = "GET" if method == "HEAD" else method
    if row.route in IN_ADMIN:
        right, status = row.methods.get(known, row.methods["GET"])
        if right == "everybody" if who == "key" else who in policy.holders(right, queue):
            return status or None
        return 302 if who in NOT_STAFF else row.refusal
    if known not in row.methods:
        if row.route not in IN_API:
            return 405
        anybody = any(right == "everybody" for right, _ in row.methods.values())
        return 401 if who == "anonymous" and not anybody else 405
    right, status = row.methods[known]
    own = queue == "billing" or not is_about_one(row)
    if right in policy.KEYS and own if who == "key" else who in policy.holders(right, queue):
        return status or None
    if row.route == "metrics":
        return 403
    if who == "anonymous":
        return 302 if row.route == "api/docs/" and method == "GET" else 401
    if row.own:
        return row.refusal
    sees = own if who == "key" else who in policy.READERS
    return 403 if sees else row.refusal


def is_about_one(row: Row) -> bool:
    """Whether the address names an object, or a queue."""
    return row.route.startswith("api/") and "<" in row.route


def holds(answer: Any, status: int | None, route: str) -> bool:
    """Whether an answer is the one that is expected."""
    if status is None:
        to_login = answer.status_code == 302 and "/admin/login/" in answer["Location"]
        missing = answer.status_code == 404 and route.startswith("admin/") and not route.startswith(MAY_MISS)
        broken = answer.status_code >= 500 and not route.startswith("admin/rq/")  # which needs a Redis
        return not to_login and not missing and not broken and answer.status_code not in (401, 403)
    if status == 302 and route in IN_ADMIN:
        return answer.status_code == 302 and answer["Location"].startswith("/admin/login/")
    return answer.status_code == status or ((status, answer.status_code) == (403, 404) and route in IN_ADMIN)


@pytest.mark.parametrize("route", list(ROWS))
def test_the_list_holds(route: str, stage: tuple[dict[str, Client], Objects], monkeypatch: pytest.MonkeyPatch) -> None:
    clients, objects = stage
    row, wrong = ROWS[route], {}
    monkeypatch.setattr(
        "django.template.response.SimpleTemplateResponse.rendered_content", ""
    )  # who gets in is decided
    for queue in QUEUES if policy.by_queue(row) or is_about_one(row) else QUEUES[:1]:
        where = address(route, queue, objects[queue])
        for who, client in clients.items():
            if queue != QUEUES[0] and who not in ("dispatcher", "manager", "key"):
                continue  # whose is the queue makes no difference to others
            for method in METHODS:
                body: dict[str, Any] = {
                    "data": b"{}" if method in ("POST", "PUT", "PATCH") else b"",
                    "content_type": "application/json",
                }
                if route in IN_ADMIN and method == "POST":
                    body = {"data": b"", "content_type": "application/x-www-form-urlencoded"}
                client.cookies = SimpleCookie(getattr(client, "kept", ""))  # one of the addresses signs out
                with transaction.atomic():
                    answer = client.generic(method, where, **body)
                    transaction.set_rollback(True)
                status = wanted(row, method, who, queue)
                if not holds(answer, status, route):
                    wrong[queue, who, method] = (answer.status_code, status or "let in")
                elif route in IN_API and answer.status_code >= 400 and method != "HEAD":
                    assert answer["Content-Type"] == "application/problem+json", (who, method)
    assert not wrong, "\n".join(f"{asked}: {found}" for asked, found in wrong.items())


# --- a route that nobody has listed ---


class Forgotten(Endpoint):
    def get(self, request: Any) -> Response:
        raise AssertionError("reached")

    post = put = patch = delete = get


class Bare(APIView):
    get = post = put = patch = delete = Forgotten.get


class Routes:
    """The application's addresses with two new ones."""

    @staticmethod
    def made() -> list[Any]:
        from project.urls import urlpatterns

        return [path("api/forgotten", Forgotten.as_view()), path("api/bare", Bare.as_view()), *urlpatterns]


urlpatterns: list[Any] = []


@pytest.mark.parametrize("where", ["api/forgotten", "api/bare"])
def test_a_new_route_that_is_not_listed_is_refused_to_everybody_and_found(
    where: str, stage: tuple[dict[str, Client], Objects]
) -> None:
    urlpatterns[:] = Routes.made()
    with override_settings(ROOT_URLCONF=__name__):
        assert unlisted() == ["api/forgotten", "api/bare"]
        found = {
            (who, method): client.generic(method, f"/{where}", b"").status_code
            for who, client in stage[0].items()
            for method in METHODS
            if method != "OPTIONS"
        }
    assert {status for (who, _), status in found.items() if who not in ("anonymous", "key")} <= {403, 405}
    assert {status for (who, _), status in found.items() if who == "key"} <= {401, 403, 405}
    assert {status for (who, method), status in found.items() if method in ("GET", "POST")} == {401, 403}
