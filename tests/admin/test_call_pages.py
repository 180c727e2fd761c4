"""Calls to outside in the admin: found, read, and settled by hand with a reason by those who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from queues.ledger import clock
from queues.ledger.requests import new_id
from queues.models import AuditEntry, OutboundCall, Run

LIST = "/admin/queues/outboundcall/"


@pytest.fixture
def call(db: None) -> Callable[..., OutboundCall]:
    def make(state: str = "pending", key: str = "charge:C-17", **values: Any) -> OutboundCall:
        now = clock.now()
        row: dict[str, Any] = {
            "id": new_id(), "key": key, "provider": "payments", "operation": "charge", "request": {"amount": "12.50"},
            "idempotency_key": str(uuid4()), "state": state, "created_at": now, "next_at": now + timedelta(seconds=70),
        }  # fmt: skip
        if state != "pending":
            row |= {"sent_at": now, "attempts": 1}
        if state == "sending":
            row["token"] = uuid4()
        if state in ("done", "refused"):
            row |= {"done_at": now, "next_at": None, "response": {"id": "ch_1"}}
        if state == "unknown":
            row |= {"next_at": None, "error": "TimeoutError: timed out <b>"}
        return OutboundCall.objects.create(**{**row, **values})

    return make


@pytest.mark.parametrize(
    ("role", "status"), [("admin", 200), ("manager", 200), ("dispatcher", 200), ("customer", 302), ("driver", 302)]
)
def test_calls_are_for_staff_who_read_the_queue(
    as_: Callable[[str], Client], call: Any, role: str, status: int
) -> None:
    one = call("done")
    assert as_(role).get(LIST).status_code == status
    assert as_(role).get(f"{LIST}{one.pk}/change/").status_code == status


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 403), ("dispatcher", 403)])
def test_settling_is_for_those_who_operate_the_queue(
    as_: Callable[[str], Client], call: Any, role: str, status: int
) -> None:
    one = call("unknown")
    assert as_(role).get(f"{LIST}{one.pk}/resolve/done/").status_code == status
    assert ("It was done" in as_(role).get(f"{LIST}{one.pk}/change/").content.decode()) is (status == 200)


def test_the_tabs_count_and_choose_by_state(as_: Callable[[str], Client], call: Any) -> None:
    for n, state in enumerate(["pending", "sending", "done", "refused", "unknown", "unknown"]):
        call(state, key=f"charge:{n}")
    page = as_("admin").get(f"{LIST}?state=unknown&provider=payments")
    counts = {tab["label"]: tab["count"] for tab in page.context_data["state_tabs"]}
    assert counts == {"All": "6", "Pending": "1", "Sending": "1", "Done": "1", "Refused": "1", "Unknown": "2"}
    assert "provider=payments" in page.context_data["state_tabs"][0]["url"]
    text = page.content.decode()
    assert "charge:4" in text and "charge:1" not in text and "needs a person" in text


def test_a_call_is_found_by_its_keys(as_: Callable[[str], Client], call: Any) -> None:
    one, other = call(key="charge:C-17"), call(key="mail:9")
    for term in ("C-17", one.idempotency_key):
        text = as_("admin").get(LIST, {"q": term}).content.decode()
        assert one.key in text and other.key not in text


@pytest.mark.parametrize("state", ["pending", "sending", "done", "refused", "unknown"])
def test_a_page_shows_the_call_and_the_verbs_of_its_state(as_: Callable[[str], Client], call: Any, state: str) -> None:
    text = as_("admin").get(f"{LIST}{call(state).pk}/change/").content.decode()
    assert "charge:C-17" in text and "&quot;amount&quot;" in text and "<b>" not in text.split("What is known")[-1][:200]
    verbs = {"pending": {"Withdraw it"}, "unknown": {"It was done", "It was not done", "Send it again"}}
    shown = {verb for verb in ("Withdraw it", "It was done", "It was not done", "Send it again") if f">{verb}<" in text}
    assert shown == verbs.get(state, set())


def test_a_call_of_a_run_leads_to_it(as_: Callable[[str], Client], call: Any, run: Callable[..., Run]) -> None:
    asker = run("dead")
    text = as_("admin").get(f"{LIST}{call(run_id=asker.pk).pk}/change/").content.decode()
    assert f"/admin/queues/run/{asker.pk}/change/" in text and "by its run" in text
    assert "removed" in as_("admin").get(f"{LIST}{call(key='x', run_id=uuid4()).pk}/change/").content.decode()


def test_a_reason_is_required(as_: Callable[[str], Client], call: Any) -> None:
    one = call("unknown")
    page = as_("admin").post(f"{LIST}{one.pk}/resolve/refused/", {"why": " "})
    assert page.status_code == 200 and "Say why" in page.content.decode()
    one.refresh_from_db()
    assert one.state == "unknown"


def test_settling_is_recorded_and_shown(as_: Callable[[str], Client], call: Any) -> None:
    one, browser = call("unknown"), as_("admin")
    told = {"why": "Seen in their books.", "response": '{"id": "ch_9"}'}
    page = browser.post(f"{LIST}{one.pk}/resolve/done/", told, follow=True).content.decode()
    one.refresh_from_db()
    assert (one.state, one.response, one.next_at) == ("done", {"id": "ch_9"}, None) and one.done_at
    entry = AuditEntry.objects.get(action="call.resolve")
    assert (entry.actor, entry.why, entry.after) == ("admin", "Seen in their books.", {"state": "done"})
    assert "The call is done." in page and "By hand" in page and "Seen in their books." in page


@pytest.mark.parametrize("response", ["[1]", "{", "7"])
def test_the_answer_is_a_json_object_or_nothing(as_: Callable[[str], Client], call: Any, response: str) -> None:
    one = call("unknown")
    as_("admin").post(f"{LIST}{one.pk}/resolve/done/", {"why": "Seen.", "response": response})
    one.refresh_from_db()
    assert one.state == "unknown"


def test_send_it_again_takes_it_from_its_run_and_asks_for_the_job(as_: Callable[[str], Client], call: Any) -> None:
    one = call("unknown", run_id=uuid4())
    as_("admin").post(f"{LIST}{one.pk}/resolve/pending/", {"why": "They have nothing."})
    one.refresh_from_db()
    assert (one.state, one.run_id, one.sent_at) == ("pending", None, None)
    assert Run.objects.get().job == "queues.settle_calls"


@pytest.mark.parametrize(
    ("state", "outcome"), [("pending", "done"), ("sending", "done"), ("done", "refused"), ("unknown", "sending")]
)
def test_what_does_not_apply_changes_nothing(as_: Callable[[str], Client], call: Any, state: str, outcome: str) -> None:
    one = call(state)
    page = as_("admin").post(f"{LIST}{one.pk}/resolve/{outcome}/", {"why": "Because."}, follow=True)
    assert "does not apply" in page.content.decode()
    one.refresh_from_db()
    assert one.state == state


def test_calls_can_be_neither_added_nor_changed_nor_deleted(as_: Callable[[str], Client], call: Any) -> None:
    one, browser = call("done"), as_("admin")
    assert browser.get(f"{LIST}add/").status_code == 403
    assert browser.post(f"{LIST}{one.pk}/delete/").status_code == 403
    assert browser.get(f"{LIST}{uuid4()}/change/").status_code == 404
    assert browser.get(f"{LIST}rubbish/change/").status_code == 404
