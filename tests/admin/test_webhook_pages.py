"""Webhooks and what they were told, in the admin: one's own, a secret shown once, with a reason, audited."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from queues.contract import Actor
from queues.ledger import clock, webhook_deliveries, webhook_endpoints
from queues.ledger.requests import new_id
from queues.models import AuditEntry, WebhookAttempt, WebhookDelivery, WebhookEndpoint

LIST = "/admin/queues/webhookendpoint/"
MESSAGES = "/admin/queues/webhookdelivery/"
ADA = Actor(label="ada", source="admin")
FORM = {"url": "https://hooks.example.org/in?k=1", "description": "Invoices", "events": ["run.dead"], "queues": ["billing"], "why": "Asked"}  # fmt: skip
As = Callable[[str], Client]


@pytest.fixture(autouse=True)
def nothing_private() -> Iterator[None]:
    with override_settings(WEBHOOK_ALLOWED_PRIVATE=[]):
        yield


@pytest.fixture
def hook(user: Callable[[str], User]) -> Callable[..., WebhookEndpoint]:
    def make(role: str = "manager", **asked: Any) -> WebhookEndpoint:
        asked = {"url": "https://hooks.example.org/", "events": ["run.dead"], "queues": ["billing"], **asked}
        owner = user(role)
        return webhook_endpoints.make(owner, by=owner, actor=ADA, **asked)

    return make


def message(row: WebhookEndpoint, state: str = "dead", **values: Any) -> WebhookDelivery:
    pk = new_id()
    told = {
        "event": "run.dead",
        "key": str(pk),
        "queue": "billing",
        "subject": str(new_id()),
        "payload": '{"type":"run.dead","data":{"id":"7"}}',
    }
    made = WebhookDelivery.objects.create(
        id=pk, endpoint=row, state=state, created_at=clock.now(), **{**told, **values}
    )
    WebhookAttempt.objects.create(
        delivery=made, at=clock.now(), status=503, duration_ms=12, error="It answered 503.", excerpt="<b>Busy</b>"
    )
    return made


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 200), ("dispatcher", 200)])
def test_webhooks_are_for_those_who_may_read(as_: As, role: str, status: int) -> None:
    assert [as_(role).get(page).status_code for page in (LIST, f"{LIST}add/", MESSAGES)] == [status] * 3


def test_staff_without_a_role_see_none(as_: As, user: Any) -> None:
    User.objects.filter(pk=user("driver").pk).update(is_staff=True)
    assert [as_("driver").get(page).status_code for page in (LIST, f"{LIST}add/", MESSAGES)] == [403] * 3


def test_a_new_webhooks_secret_is_shown_once(as_: As) -> None:
    browser = as_("manager")
    answer = browser.post(f"{LIST}add/", FORM)
    secret = re.search(r'id="webhook-secret">(whsec_[^<]+)<', answer.content.decode())
    row = WebhookEndpoint.objects.get()
    assert secret and secret[1] == row.secret and "no-store" in answer["Cache-Control"]
    assert row.owner.get_username() == "manager"
    for page in (LIST, f"{LIST}{row.pk}/change/", MESSAGES):
        assert row.secret not in browser.get(page).content.decode()
    assert AuditEntry.objects.get(action="webhook.create").why == "Asked"


def test_a_url_is_shown_without_its_query(as_: As) -> None:
    browser = as_("manager")
    browser.post(f"{LIST}add/", FORM)
    shown = browser.get(LIST).content.decode()
    assert "https://hooks.example.org/in" in shown and "k=1" not in shown


def test_only_an_admin_makes_one_for_somebody_else(as_: As, user: Any) -> None:
    other = user("dispatcher")
    as_("manager").post(f"{LIST}add/", {**FORM, "owner": other.pk})
    assert WebhookEndpoint.objects.get().owner.get_username() == "manager"
    as_("admin").post(f"{LIST}add/", {**FORM, "owner": other.pk})
    assert WebhookEndpoint.objects.filter(owner=other).count() == 1


def test_what_will_not_do_is_said_beside_its_field(as_: As) -> None:
    page = as_("manager").post(f"{LIST}add/", {**FORM, "url": "https://10.0.0.1/"}).content.decode()
    assert "There is no public address of 10.0.0.1." in page and not WebhookEndpoint.objects.exists()


def test_another_ones_is_not_there(as_: As, hook: Any) -> None:
    row = hook("manager")
    told = message(row)
    pages = [f"{LIST}{row.pk}/{verb}/" for verb in ("change", "rotate", "pause", "test", "delete")]
    pages += [f"{MESSAGES}{told.pk}/change/", f"{MESSAGES}{told.pk}/replay/"]
    assert {as_("dispatcher").get(page).status_code for page in pages} <= {403, 404}
    assert {as_("dispatcher").post(page, {"why": "x"}).status_code for page in pages} <= {403, 404}
    assert {as_("manager").get(page).status_code for page in pages} == {200}
    for page in (LIST, MESSAGES):
        assert str(row.pk) not in as_("dispatcher").get(page).content.decode()
        assert str(row.pk if page == LIST else told.pk) in as_("admin").get(page).content.decode()


def test_it_is_changed_paused_resumed_and_removed(as_: As, hook: Any) -> None:
    row, browser = hook(), as_("manager")
    page = f"{LIST}{row.pk}"
    browser.post(f"{page}/change/", {**FORM, "events": ["run.dead", "run.cancelled"]})
    row.refresh_from_db()
    assert row.events == ["run.dead", "run.cancelled"] and row.description == "Invoices"
    assert "Say why" in browser.post(f"{page}/pause/", {"why": ""}).content.decode()
    shown = browser.post(f"{page}/pause/", {"why": "Moving house"}, follow=True).content.decode()
    assert "Moving house" in shown and "Paused" in shown
    browser.post(f"{page}/resume/", {"why": ""})
    row.refresh_from_db()
    assert row.enabled
    browser.post(f"{page}/delete/", {"why": "Done"})
    assert not WebhookEndpoint.objects.exists()
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == [f"webhook.{verb}" for verb in ("create", "change", "pause", "resume", "delete")]


def test_a_new_secret_is_shown_once_and_the_old_one_signs_on(as_: As, hook: Any) -> None:
    row = hook()
    answer = as_("manager").post(f"{LIST}{row.pk}/rotate/", {"why": "Yearly", "hours": "2"}).content.decode()
    new = WebhookEndpoint.objects.get()
    assert new.secret in answer and new.secrets(clock.now()) == [new.secret, row.secret]


def test_a_test_is_on_its_way(as_: As, hook: Any) -> None:
    row = hook()
    as_("manager").post(f"{LIST}{row.pk}/test/", {"why": ""})
    assert WebhookDelivery.objects.get().event == "webhook.test"


def test_one_that_was_switched_off_says_why(as_: As, hook: Any) -> None:
    row = hook()
    webhook_deliveries.switch_off(WebhookEndpoint.objects.all(), "It answered 410 Gone.", clock.now())
    shown = as_("manager").get(f"{LIST}{row.pk}/change/").content.decode()
    assert "Switched off" in shown and "It answered 410 Gone." in shown


def test_a_message_is_shown_with_each_try_and_nothing_of_it_is_taken_for_html(as_: As, hook: Any) -> None:
    told = message(hook(), error="It answered 503.")
    shown = as_("manager").get(f"{MESSAGES}{told.pk}/change/").content.decode()
    assert "It answered 503." in shown and "12 ms" in shown and str(told.pk) in shown
    assert "&lt;b&gt;Busy&lt;/b&gt;" in shown and "<b>Busy</b>" not in shown


def test_messages_are_found_by_state_webhook_and_event(as_: As, hook: Any) -> None:
    one, other = hook(), hook()
    dead, done = message(one), message(other, "delivered", event="run.succeeded")
    browser = as_("manager")
    for query, wanted, unwanted in (
        ("state=dead", dead, done), (f"webhook={other.pk}", done, dead), ("event=run.succeeded", done, dead),
    ):  # fmt: skip
        shown = browser.get(f"{MESSAGES}?{query}").content.decode()
        assert f"{wanted.pk}/change" in shown and f"{unwanted.pk}/change" not in shown
    assert browser.get(f"{MESSAGES}?webhook=nonsense").status_code == 200


def test_messages_are_sent_again_one_or_many(as_: As, hook: Any) -> None:
    row, browser = hook(), as_("manager")
    one, two, waiting = message(row), message(row, "delivered"), message(row, "pending", next_at=clock.now())
    browser.post(f"{MESSAGES}{one.pk}/replay/", {"why": "Mended"})
    one.refresh_from_db()
    assert (one.state, one.attempts) == ("pending", 0)
    chosen = {"action": "replay_selected", "_selected_action": [str(two.pk), str(waiting.pk)]}
    assert "Send 1 again" in browser.post(MESSAGES, chosen).content.decode()
    browser.post(MESSAGES, {**chosen, "sure": "yes", "why": "All"})
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"pending"}
    assert list(AuditEntry.objects.filter(action="webhook.replay").order_by("id").values_list("why", flat=True)) == ["Mended", "All"]  # fmt: skip


def test_the_lists_take_the_same_questions_for_many(as_: As, hook: Any) -> None:
    browser, counts = as_("manager"), []
    for number in (1, 5):
        for _ in range(number):
            message(hook())
        found = []
        for page in (LIST, MESSAGES):
            with CaptureQueriesContext(connection) as seen:
                browser.get(page)
            found.append(len(seen))
        counts.append(found)
    assert counts[0] == counts[1]
