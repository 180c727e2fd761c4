"""How Stripe counts and what it says, read. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe import WebhookSignature

from billing.money import minor_digits
from billing.ports import BadWebhook, Outcome
from integrations.stripe import events, signature, values
from integrations.stripe.amounts import HUNDREDTHS, TENS, ZERO_DECIMAL, digits_at_stripe, from_stripe, to_stripe
from integrations.stripe.outcomes import NotDecided, label_of, of_intent, of_refund
from queues.outbound import Refused

CURRENCIES = sorted({"EUR", "USD", "GBP", "CHF", "HUF", *ZERO_DECIMAL, *HUNDREDTHS, *TENS})


@pytest.mark.parametrize(
    ("minor", "currency", "told"),
    [
        (1234, "EUR", 1234),
        (500, "JPY", 500),
        (12_340, "BHD", 12_340),
        (5, "ISK", 500),
        (7, "UGX", 700),
        (900, "MGA", 9),
        (3, "XAF", 3),
    ],
)
def test_amounts_are_counted_as_stripe_counts(minor: int, currency: str, told: int) -> None:
    assert to_stripe(minor, currency) == told and from_stripe(told, currency) == minor


@pytest.mark.parametrize(("minor", "currency"), [(12_345, "BHD"), (1, "KWD"), (950, "MGA")])
def test_what_stripe_cannot_take_is_refused_for_good(minor: int, currency: str) -> None:
    with pytest.raises(Refused) as caught:
        to_stripe(minor, currency)
    assert Outcome.read(caught.value.response, "declined").hard is True


@given(st.integers(1, 10**12), st.sampled_from(CURRENCIES))
def test_what_stripe_takes_comes_back_as_it_was(minor: int, currency: str) -> None:
    try:
        told = to_stripe(minor, currency)
    except Refused:
        assert currency in TENS or digits_at_stripe(currency) < minor_digits(currency)
    else:
        assert from_stripe(told, currency) == minor


def intent(**over: Any) -> dict[str, Any]:
    return {"id": "pi_1", "status": "succeeded", "amount": 100, "currency": "eur", **over}


@pytest.mark.parametrize(
    ("told", "state", "code", "hard"),
    [
        (intent(), "succeeded", "", False),
        (intent(status="processing"), "processing", "", False),
        (intent(status="requires_capture"), "processing", "", False),
        (intent(status="canceled"), "declined", "canceled", False),
        (intent(status="requires_action"), "declined", "authentication_required", True),
        (intent(status="requires_payment_method", last_payment_error={"code": "card_declined", "decline_code": "lost_card"}), "declined", "lost_card", True),
        (intent(status="requires_payment_method", last_payment_error={"code": "card_declined"}), "declined", "card_declined", False),
    ],
)  # fmt: skip
def test_how_a_charge_stands(told: dict[str, Any], state: str, code: str, hard: bool) -> None:
    outcome = of_intent(told)
    assert (outcome.state, outcome.code, outcome.hard, outcome.reference) == (state, code, hard, "pi_1")
    assert Outcome.read(outcome.told(), "unknown") == outcome


@pytest.mark.parametrize("status", ["requires_confirmation", "requires_payment_method"])
def test_a_charge_that_is_not_decided_is_looked_at_again(status: str) -> None:
    with pytest.raises(NotDecided):
        of_intent(intent(status=status))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", "succeeded"),
        ("pending", "processing"),
        ("requires_action", "processing"),
        ("failed", "declined"),
        ("canceled", "declined"),
    ],
)
def test_how_a_refund_stands(status: str, state: str) -> None:
    seen = of_refund({"id": "re_1", "status": status, "amount": 5, "currency": "jpy", "payment_intent": {"id": "pi_1"}})
    assert (seen.outcome.state, seen.outcome.amount_minor, seen.charge, seen.key) == (state, 5, "pi_1", "")


@pytest.mark.parametrize(
    ("method", "label"),
    [
        ({"type": "card", "card": {"brand": "mastercard", "last4": "4444"}}, "Mastercard … 4444"),
        ({"type": "sepa_debit", "sepa_debit": {"last4": "3000"}}, "Sepa debit … 3000"),
        ({"type": "link", "link": {}}, "Link"),
        ({}, "Method"),
    ],
)
def test_a_label_shows_no_more_than_four_digits(method: dict[str, Any], label: str) -> None:
    assert label_of(method) == label


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from(sorted(events.READERS)),
)
def test_whatever_an_event_holds_is_read_or_refused(thing: Any, kind: str) -> None:
    body = json.dumps({"id": "evt_1", "type": kind, "created": 1, "data": {"object": thing}})
    try:
        assert events.read(body).id == "evt_1"
    except BadWebhook:
        pass


def test_what_is_not_decided_tells_nothing_and_what_has_no_id_is_no_event() -> None:
    told = {
        "id": "evt_1",
        "type": "payment_intent.succeeded",
        "created": 1,
        "data": {"object": intent(status="requires_confirmation")},
    }
    assert events.read(json.dumps(told)).news is None
    del told["id"]
    with pytest.raises(BadWebhook, match="KeyError at 'id'"):
        events.read(json.dumps(told))


SECRET, BODY = "whsec_a_secret_of_ours", b'{"id": "evt_1"}'


@given(st.integers(-(10**6), 10**6))
def test_only_what_was_signed_just_now_is_believed(off_s: int) -> None:
    now = datetime(2026, 11, 26, 8, tzinfo=UTC)
    sent = int(now.timestamp()) + off_s
    headers = {"Stripe-Signature": WebhookSignature.generate_signature_header(BODY.decode(), SECRET, sent)}
    if abs(off_s) <= signature.TOLERANCE_S:
        signature.verify(headers, BODY, [SECRET], now)
    else:
        with pytest.raises(BadWebhook, match="ahead" if off_s > 0 else "ago"):
            signature.verify(headers, BODY, [SECRET], now)


def test_without_a_secret_nothing_is_believed() -> None:
    headers = {"Stripe-Signature": WebhookSignature.generate_signature_header(BODY.decode(), SECRET)}
    with pytest.raises(BadWebhook, match="STRIPE_WEBHOOK_SECRET"):
        signature.verify(headers, BODY, [], datetime.now(UTC))


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (values.check_key, ["sk_test_12345678", "rk_live_12345678"], ["pk_live_12345678", "sk_", ""]),
        (values.check_secret, ["whsec_1234567890"], ["secret_1234567890", "whsec_"]),
        (values.check_base, ["https://api.stripe.com", "http://127.0.0.1:12111"], ["http://stripe.example.org", "https://", "ftp://x", "https://a.example/v1", "https://me:x@a.example"]),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_right_are_refused(check: Any, good: list[str], bad: list[str]) -> None:
    for text in good:
        check(text)
    for text in bad:
        with pytest.raises(ValueError):
            check(text)
