"""Webhooks as a resource: one's own, with a secret told once, with tags; and what they were told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from queues.contract import Actor
from queues.ledger import api_keys, clock, webhook_deliveries, webhook_endpoints
from queues.ledger.requests import new_id
from queues.models import AuditEntry, WebhookAttempt, WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db
LIST = "/api/v1/webhooks"
ASKED = {"url": "https://hooks.example.org/in?token=1", "events": ["run.dead"], "queues": ["billing"]}
As = Callable[[str], APIClient]
ADA = Actor(label="ada", source="api")


@pytest.fixture(autouse=True)
def nothing_private() -> Iterator[None]:
    with override_settings(WEBHOOK_ALLOWED_PRIVATE=[]):
        yield


def make(client: APIClient, **values: Any) -> Any:
    return client.post(LIST, {**ASKED, **values}, format="json")


def delivery(of: str, state: str = "dead", **values: Any) -> WebhookDelivery:
    now = clock.now()
    pk = new_id()
    row = {"event": "run.dead", "key": str(pk), "queue": "billing", "payload": '{"type":"run.dead"}', "created_at": now}
    return WebhookDelivery.objects.create(id=pk, endpoint_id=UUID(of), state=state, attempts=10, **{**row, **values})


def test_a_webhook_is_made_and_its_secret_told_once(as_: As) -> None:
    client = as_("manager")
    made = make(client, description="Ops", why="They asked")
    body = made.json()
    assert (made.status_code, made["Location"], made["Cache-Control"]) == (201, body["href"], "no-store")
    assert body["secret"].startswith("whsec_") and (body["owner"], body["state"]) == ("manager", "on")
    for address in (LIST, body["href"], "/api/v1/audit"):
        answer = as_("admin").get(address)
        assert answer.status_code == 200 and body["secret"] not in answer.content.decode()
    entry = AuditEntry.objects.get(action="webhook.create")
    assert (entry.actor, entry.why, entry.object_id) == ("manager", "They asked", body["id"])
    assert "token" not in str(entry.after), "a URL's query may be a secret"


def test_another_ones_webhook_is_not_there(as_: As) -> None:
    mine = make(as_("manager")).json()
    message = delivery(mine["id"])
    other = as_("dispatcher")
    etag = {"If-Match": "*"}
    paths = [mine["href"] + rest for rest in ("", "/deliveries", f"/deliveries/{message.id}")]
    assert [other.get(path).status_code for path in paths] == [404] * 3
    assert other.patch(mine["href"], {"description": "x"}, format="json", headers=etag).status_code == 404
    assert other.delete(mine["href"], headers=etag).status_code == 404
    for verb in ("rotate", "test", "replay", f"deliveries/{message.id}/replay"):
        assert other.post(f"{mine['href']}/{verb}", {}, format="json").status_code == 404
    assert other.get(LIST).json()["items"] == []
    assert [each["id"] for each in as_("admin").get(LIST).json()["items"]] == [mine["id"]]
    assert as_("admin").get(mine["href"]).status_code == 200


def test_a_delivery_is_found_under_its_own_webhook_alone(as_: As) -> None:
    client = as_("manager")
    one, other = make(client).json(), make(client).json()
    message = delivery(one["id"])
    assert client.get(f"{one['href']}/deliveries/{message.id}").status_code == 200
    assert client.get(f"{other['href']}/deliveries/{message.id}").status_code == 404
    assert client.post(f"{other['href']}/deliveries/{message.id}/replay", {}, format="json").status_code == 404


@pytest.mark.parametrize(("role", "status"), [("customer", 403), ("driver", 403), ("nobody", 403), ("dispatcher", 201)])
def test_webhooks_are_for_those_who_may_read(as_: As, role: str, status: int) -> None:
    assert make(as_(role)).status_code == status


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "http://hooks.example.org/"}, "url"), ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"), ({"url": "https://hooks.example.org:25/"}, "url"),
        ({"events": []}, "events"), ({"events": ["run.flown"]}, "events.0"), ({"queues": ["nowhere"]}, "queues.0"),
        ({"jobs": ["no.such_job"]}, "jobs"), ({"secret": "whsec_x"}, "secret"), ({"owner": "admin"}, "owner"),
    ],
)  # fmt: skip
def test_what_will_not_do_is_refused_by_field(as_: As, values: dict[str, Any], field: str) -> None:
    answer = make(as_("manager"), **values)
    assert answer.status_code == 422, answer.json()
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert not WebhookEndpoint.objects.exists()


def test_a_request_sent_again_makes_one_webhook_and_tells_the_same(as_: As) -> None:
    client = as_("manager")
    answers = [client.post(LIST, ASKED, format="json", headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json() and answers[1]["Idempotency-Replayed"] == "true"
    assert WebhookEndpoint.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM queues_idempotencyrecord")
        assert "whsec_" not in str(cursor.fetchall()), "no secret is kept in the clear"


def test_a_change_takes_the_tag_of_what_was_read(as_: As) -> None:
    client = as_("manager")
    href = make(client).json()["href"]
    tag = client.get(href)["ETag"]
    change = {"events": ["run.cancelled", "run.dead"], "why": "More"}
    assert client.patch(href, change, format="json").status_code == 428
    done = client.patch(href, change, format="json", headers={"If-Match": tag})
    assert done.status_code == 200 and done.json()["events"] == ["run.dead", "run.cancelled"] and done["ETag"] != tag
    assert client.patch(href, change, format="json", headers={"If-Match": tag}).status_code == 412
    assert client.get(href, headers={"If-None-Match": done["ETag"]}).status_code == 304
    wrong = client.patch(href, {"url": "https://10.0.0.1/"}, format="json", headers={"If-Match": "*"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "url")
    entry = AuditEntry.objects.get(action="webhook.change")
    assert (entry.before, entry.why) == ({"events": ["run.dead"]}, "More")


def test_what_happens_by_itself_does_not_change_the_tag(as_: As) -> None:
    client = as_("manager")
    made = make(client).json()
    tag = client.get(made["href"])["ETag"]
    WebhookEndpoint.objects.update(failing_since=clock.now(), last_success_at=clock.now())
    delivery(made["id"])
    assert client.get(made["href"])["ETag"] == tag


def test_one_that_is_switched_off_says_so_and_goes_on_when_told_to(as_: As) -> None:
    client = as_("manager")
    href = make(client).json()["href"]
    every = {"If-Match": "*"}
    off = client.patch(href, {"enabled": False, "why": "Moving"}, format="json", headers=every).json()
    assert (off["enabled"], off["state"], off["disabled_why"]) == (False, "paused", "Moving")
    assert client.post(f"{href}/test", {}, format="json").status_code == 409
    webhook_deliveries.switch_off(WebhookEndpoint.objects.all(), "x", clock.now())
    on = client.patch(href, {"enabled": True}, format="json", headers=every).json()
    assert (on["enabled"], on["state"], on["disabled_why"]) == (True, "on", "")
    webhook_deliveries.switch_off(WebhookEndpoint.objects.all(), "It answered 410 Gone.", clock.now())
    assert client.get(href).json()["state"] == "disabled"


def test_a_new_secret_is_told_once_and_the_old_one_signs_for_as_long_as_was_said(as_: As) -> None:
    client = as_("manager")
    made = make(client).json()
    new = client.post(f"{made['href']}/rotate", {"both_sign_s": 60}, format="json")
    assert new.status_code == 200 and new["Cache-Control"] == "no-store"
    row = WebhookEndpoint.objects.get()
    assert row.secrets(clock.now()) == [new.json()["secret"], made["secret"]]
    leaked = client.post(f"{made['href']}/rotate", {"both_sign_s": 0}, format="json").json()
    row.refresh_from_db()
    assert row.secrets(clock.now()) == [leaked["secret"]] and leaked["previous_secret_until"] is None


def test_what_it_was_told_is_listed_with_each_try(as_: As, django_assert_max_num_queries: Any) -> None:
    client = as_("manager")
    made = make(client).json()
    dead, done = delivery(made["id"]), delivery(made["id"], "delivered", event="run.succeeded")
    for status in (500, 503):
        WebhookAttempt.objects.create(
            delivery=dead, at=clock.now(), status=status, duration_ms=7, error=f"It answered {status}.", excerpt="No"
        )
    items = client.get(f"{made['href']}/deliveries").json()["items"]
    assert [each["id"] for each in items] == [str(done.id), str(dead.id)] and "payload" not in items[0]
    for query, wanted in (("state=dead", [dead]), ("event=run.succeeded", [done]), ("limit=1", [done])):
        page = client.get(f"{made['href']}/deliveries?{query}").json()
        assert [each["id"] for each in page["items"]] == [str(each.id) for each in wanted]
    assert page["next"] and client.get(page["next"]).json()["items"][0]["id"] == str(dead.id)
    one = client.get(items[1]["href"]).json()
    assert one["payload"] == dead.payload and [each["status"] for each in one["tries"]] == [500, 503]
    assert client.get(LIST).json()["items"][0]["dead"] == 1
    assert client.get(f"{made['href']}/deliveries?stat=dead").status_code == 422


def test_a_test_and_a_replay_are_on_their_way_at_once(as_: As) -> None:
    client = as_("manager")
    made = make(client).json()
    sent = client.post(f"{made['href']}/test", {"why": "Is it there?"}, format="json")
    assert (sent.status_code, sent.json()["event"], sent.json()["state"]) == (202, "webhook.test", "pending")
    assert sent["Location"] == sent.json()["href"]
    old, dead = delivery(made["id"], key="a"), delivery(made["id"], key="b")
    WebhookDelivery.objects.filter(pk=old.pk).update(created_at=clock.now().replace(year=2025))
    again = client.post(f"{made['href']}/deliveries/{dead.id}/replay", {}, format="json")
    assert (again.status_code, again.json()["state"], again.json()["attempts"]) == (202, "pending", 0)
    assert client.post(f"{made['href']}/deliveries/{dead.id}/replay", {}, format="json").status_code == 409
    many = client.post(f"{made['href']}/replay", {"since": "2026-01-01T00:00:00Z"}, format="json")
    assert many.json() == {"replayed": 0}
    many = client.post(f"{made['href']}/replay", {"since": "2024-01-01T00:00:00Z"}, format="json")
    assert many.json() == {"replayed": 1}
    assert AuditEntry.objects.filter(action="webhook.replay").count() == 2


def test_a_removed_webhook_is_gone_with_its_secret(as_: As) -> None:
    client = as_("manager")
    made = make(client).json()
    delivery(made["id"])
    assert client.delete(made["href"]).status_code == 428
    assert client.delete(f"{made['href']}?why=Done", headers={"If-Match": "*"}).status_code == 204
    assert client.get(made["href"]).status_code == 404 and not WebhookEndpoint.objects.exists()
    assert AuditEntry.objects.get(action="webhook.delete").why == "Done"


def test_the_list_takes_the_same_questions_for_many(as_: As) -> None:
    client = as_("manager")
    counts = []
    for number in (1, 6):
        for _ in range(number):
            delivery(make(client).json()["id"])
        with CaptureQueriesContext(connection) as seen:
            assert client.get(LIST).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


# --- by API key ---


def keyed(owner: User, *actions: str, queues: tuple[str, ...] = ("billing",)) -> APIClient:
    _, text = api_keys.make("Gate", owner, actions=actions, queues=queues, actor=ADA)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def test_a_key_makes_webhooks_only_where_it_says_so(as_: As, people: dict[str, User]) -> None:
    reader, subscriber = keyed(people["manager"], "read"), keyed(people["manager"], "subscribe")
    assert make(reader).status_code == 403 and reader.get(LIST).status_code == 403
    made = make(subscriber)
    assert made.status_code == 201
    wider = make(subscriber, queues=["billing", "email"])
    assert (wider.status_code, wider.json()["errors"][0]["field"]) == (422, "queues")
    assert not WebhookEndpoint.objects.get().whole, "the key may not see the figures of the whole"


def test_a_key_sees_no_webhook_that_reaches_further_than_itself(as_: As, people: dict[str, User]) -> None:
    key = keyed(people["manager"], "subscribe")
    wide = make(as_("manager"), queues=["billing", "email"]).json()
    whole = make(as_("manager")).json()
    own = make(key).json()
    assert [each["id"] for each in key.get(LIST).json()["items"]] == [own["id"]]
    for other in (wide, whole):
        assert key.get(other["href"]).status_code == 404
        assert key.post(f"{other['href']}/rotate", {}, format="json").status_code == 404
    assert as_("manager").get(own["href"]).status_code == 200


def test_an_admin_changes_anothers_webhook_and_its_owners_rights_still_hold(as_: As, people: dict[str, User]) -> None:
    href = make(as_("manager")).json()["href"]
    admin, every = as_("admin"), {"If-Match": "*"}
    done = admin.patch(href, {"queues": ["email"]}, format="json", headers=every)
    assert (done.status_code, done.json()["owner"]) == (200, "manager")
    people["manager"].groups.clear()
    refused = admin.patch(href, {"queues": ["billing"]}, format="json", headers=every)
    assert refused.status_code == 422
    assert webhook_endpoints.MOST == 50
