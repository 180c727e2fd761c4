"""What Stripe tells us: believed when it is proved, and kept once."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.test import Client
from stripe import WebhookSignature

from billing import ports as billing
from billing.jobspecs.payments import ChargeDocument, charge_document
from billing.models import Dispute, Entry, Payment, PaymentMethod, ProviderEvent, Refund
from billing.services import provider_events

from .conftest import paid, run_job
from .stand_in import DECLINED_LATER, SECRET
from .telling import BODY, OTHER, URL, event, intent, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_window")]
NOW = time.time


def rows() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (ProviderEvent, Payment, Refund, Dispute, Entry, PaymentMethod))


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_an_event_with_a_signature_of_either_secret_is_kept_and_taken_up(listening, charged, secret: str) -> None:
    document, body = charged(), event("payment_intent.succeeded", intent("succeeded"))
    answer = tell(body, secret=secret)
    assert (answer.status_code, answer.json()["new"]) == (200, True)
    row = ProviderEvent.objects.get()
    assert row.body == body.decode() and row.applied_at and row.effect == "charge:INV-000001:1 succeeded"
    assert paid(document) == ("paid", 0)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (lambda: tell(BODY, secret="whsec_somebody_else"), "not Stripe's"),
        (lambda: tell(BODY, at=NOW() - 301), "s ago"),
        (lambda: tell(BODY, at=NOW() + 310), "s ahead"),
        (lambda: tell(BODY, header=""), "no Stripe-Signature"),
        (lambda: tell(BODY, header="t=1,v1="), "not Stripe's"),
        (lambda: tell(BODY, header=f"t=1,t={int(NOW())},v1=00"), "does not say once"),
        (lambda: tell(BODY, header=f"t={int(NOW())},v0=00"), "not Stripe's"),
        (lambda: tell(BODY, header="x" * 3000), "over 2,000"),
        (lambda: tell(BODY, header="t=٣,v1=00"), "does not say once"),
        (lambda: tell(b'{"id": "evt_1"}'), "no event of Stripe's"),
        (lambda: tell(b"[]"), "no event of Stripe's"),
        (lambda: tell(b""), "no event of Stripe's"),
    ],
)  # fmt: skip
def test_what_is_not_proved_is_refused_in_words_and_nothing_is_kept(listening, charged, sent, said: str) -> None:
    charged()
    before = rows()
    answer = sent()
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature") and said in answer.json()["detail"]
    assert answer["Content-Type"] == "application/problem+json"
    assert rows() == before and Payment.objects.get().state == "pending"


def test_a_signature_of_another_body_is_refused(listening, charged) -> None:
    charged()
    signed = WebhookSignature.generate_signature_header(BODY.decode(), SECRET)
    changed = BODY.replace(b"12000", b"99000")
    assert changed != BODY and tell(changed, header=signed).status_code == 400 and ProviderEvent.objects.count() == 0


def test_bytes_that_are_no_text_are_refused(listening) -> None:
    answer = Client().post(
        URL, b"\xff\xfe", content_type="application/json", headers={"Stripe-Signature": f"t={int(NOW())},v1=00"}
    )
    assert answer.status_code == 400


def test_a_body_that_is_too_large_is_refused_unread(listening) -> None:
    answer = tell(BODY + b" " * 300_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large") and ProviderEvent.objects.count() == 0


def test_the_door_is_closed_where_stripe_is_off_and_takes_posts_alone(listening) -> None:
    assert Client().get(URL).status_code == 405 and Client().get(URL)["Allow"] == "POST"
    billing.forget("stripe")
    answer = tell(BODY)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_payment_provider")


def test_who_guesses_signatures_is_counted_and_who_proves_is_not(listening, charged, settings, monkeypatch) -> None:
    from project import signed

    counted = []
    settings.RATE_LIMIT_LOGIN = "2/min"

    class Full:
        wait_s, fits = 31.4, False

    monkeypatch.setattr(
        signed.quotas, "spend", lambda charges: counted.extend(charges) or ([Full] if len(counted) > 2 else [])
    )
    statuses = [tell(BODY, secret="whsec_wrong_wrong").status_code for _ in range(3)]
    assert statuses == [400, 400, 429] and counted[0].who == "signed:127.0.0.1"
    answer = tell(BODY, secret="whsec_wrong_wrong")
    assert answer["Retry-After"] == "31" and answer.json()["code"] == "rate_limited"
    assert tell(BODY).status_code == 200 and len(counted) == 4


# --- with the stand-in, which signs and sends them itself ---


def test_the_stand_ins_own_webhooks_reach_a_live_server(desk, stripe, paying, live_server) -> None:
    desk.tell(f"{live_server.url}{URL}")
    good, bad = paying(1), paying(2, DECLINED_LATER)
    for number in (1, 2):
        run_job(charge_document, ChargeDocument(document=f"INV-{number:06}"))
    end = time.monotonic() + 20
    kinds = {"payment_intent.succeeded", "payment_intent.payment_failed"}
    while set(ProviderEvent.objects.filter(kind__in=kinds).values_list("kind", flat=True)) != kinds:
        assert time.monotonic() < end, "they did not come"
        time.sleep(0.1)
    assert not ProviderEvent.objects.filter(kind__in=kinds).exclude(error="").exists()
    assert paid(good) == ("paid", 0) and paid(bad) == ("open", 120_00)
    assert Entry.objects.filter(posting__startswith="payment:").count() == 1


def test_a_webhook_alone_settles_what_the_stand_in_never_answered(
    desk, stripe, paying, live_server, monkeypatch
) -> None:
    accept, given_up = provider_events.accept, threading.Event()

    def later(*told: Any) -> provider_events.Kept:
        assert given_up.wait(20)  # else a busy machine's charge may find that the webhook was quicker
        return accept(*told)

    monkeypatch.setattr(provider_events, "accept", later)
    desk.tell(f"{live_server.url}{URL}")
    document = paying()
    desk.moods.append("swallow")
    assert run_job(charge_document, ChargeDocument(document="INV-000001")).result["state"] == "unknown"
    given_up.set()
    end = time.monotonic() + 20
    while paid(document)[0] != "paid":
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)
    assert desk.charges() == {"charge:INV-000001:1": 1} and len(desk.sent("/v1/payment_intents")) == 1
