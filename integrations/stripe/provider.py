"""Stripe as billing's payment provider and as one of the outbox's: it sends a call once, and finds out what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import stripe

from billing import ports
from billing.ports import Event, Outcome, RefundSeen
from integrations.stripe import events, signature
from integrations.stripe.amounts import to_stripe
from integrations.stripe.client import Client, not_sent
from integrations.stripe.outcomes import KEY, NotDecided, declined, id_of, label_of, of_intent, of_refund
from queues.errors import TransientError
from queues.outbound import Answer, Call, LookUpImpossible, Refused

SKEW_S = 3600  # Stripe's clock and ours
PAGE, MOST = 100, 1000


class StripeProvider:
    """See billing.ports.PaymentProvider and queues.outbound.Provider."""

    name = "stripe"
    honours_idempotency_keys = True
    replay_window_s = 23 * 3600.0  # Stripe keeps them for 24 hours at least

    def __init__(self, client: Client, secrets: Sequence[str] = ()) -> None:
        self._client, self._secrets = client, tuple(secrets)
        self.lands_within_s = 4 * client.answer_s

    def close(self) -> None:
        """Its connections."""
        self._client.close()

    # --- the outbox's ---

    def send(self, call: Call) -> Answer:
        once: Any = {"idempotency_key": call.idempotency_key}
        try:
            match call.operation:
                case ports.CHARGE:
                    return self._charged(self._client.v1.payment_intents.create(_intent(call), once))
                case ports.REFUND:
                    return _refunded(self._client.v1.refunds.create(_refund(call), once))
                case ports.CUSTOMER:
                    made = self._client.v1.customers.create(_customer(call), once)
                    return Answer({"reference": made.id})
                case ports.ATTACH:
                    where: Any = {"customer": call.request["account"]}
                    return _method(self._client.v1.payment_methods.attach(call.request["method"], where, once))
                case ports.DETACH:
                    return _method(self._client.v1.payment_methods.detach(call.request["method"], None, once))
        except stripe.IdempotencyError:
            raise  # the first sending is under way: unknown, and looked up
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            raise _refused(error) from error
        except stripe.StripeError as error:
            if found := not_sent(error):
                raise found from error
            raise
        raise Refused(f"Stripe is not asked for {call.operation!r}.")

    def look_up(self, call: Call) -> Answer | None:
        """Looked for in the books themselves, never in the search index, which lags behind them."""
        match call.operation:
            case ports.CHARGE:
                found = next((each for each in self._intents(call) if _key(each) == call.key), None)
                return None if found is None else self._charged(found)
            case ports.REFUND:
                refunds = self._client.v1.refunds.list({"payment_intent": call.request["charge"], "limit": PAGE})
                one = next((each for each in refunds.auto_paging_iter() if _key(each) == call.key), None)
                return None if one is None else _refunded(one)
            case ports.ATTACH | ports.DETACH:
                method = self._client.v1.payment_methods.retrieve(call.request["method"])
                wanted = str(call.request.get("account", ""))
                return _method(method) if id_of(method.customer) == wanted else None
        raise LookUpImpossible("Customers are found by the idempotency key alone.")

    def _intents(self, call: Call) -> Iterator[stripe.PaymentIntent]:
        """The customer's, since the call was sent. Raises TransientError where there are too many to be sure."""
        asked: Any = {"customer": call.request["account"], "limit": PAGE}
        if call.sent_at is not None:
            asked["created"] = {"gte": int(call.sent_at.timestamp()) - SKEW_S}
        for number, each in enumerate(self._client.v1.payment_intents.list(asked).auto_paging_iter()):
            if number >= MOST:
                raise TransientError(f"{call.request['account']} has over {MOST:,} charges in an hour.")
            yield each

    def _charged(self, intent: stripe.PaymentIntent) -> Answer:
        outcome = of_intent(intent.to_dict())
        if outcome.state == "declined":
            raise Refused(outcome.words or "Stripe declined it.", outcome.told())
        return Answer(outcome.told())

    # --- billing's ---

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        signature.verify(headers, body, self._secrets, now)

    def read_event(self, body: str) -> Event:
        return events.read(body)

    def look(self, reference: str) -> Outcome:
        try:
            return of_intent(self._client.v1.payment_intents.retrieve(reference).to_dict())
        except NotDecided:
            return Outcome("processing", reference)
        except stripe.InvalidRequestError as error:
            raise LookupError(f"Stripe knows no charge {reference}.") from error
        except stripe.StripeError as error:
            raise TransientError(f"Stripe does not tell now: {type(error).__name__}") from error

    def refunds_of(self, reference: str) -> Sequence[RefundSeen]:
        try:
            found = self._client.v1.refunds.list({"payment_intent": reference, "limit": PAGE})
            return [of_refund(each.to_dict()) for each in found.auto_paging_iter()]
        except stripe.StripeError as error:
            raise TransientError(f"Stripe does not tell now: {type(error).__name__}") from error


def _intent(call: Call) -> Any:
    asked = call.request
    return {
        "amount": to_stripe(int(asked["amount_minor"]), asked["currency"]), "currency": asked["currency"].lower(),
        "customer": asked["account"], "payment_method": asked["method"], "confirm": True, "off_session": True,
        "metadata": {KEY: call.key, "document": asked["document"]},
    }  # fmt: skip


def _refund(call: Call) -> Any:
    asked = call.request
    amount = to_stripe(int(asked["amount_minor"]), asked["currency"])
    return {"payment_intent": asked["charge"], "amount": amount, "metadata": {KEY: call.key}}


def _customer(call: Call) -> Any:
    given = {name: str(call.sealed.get(name) or "") for name in ("name", "email")}
    return {**{name: text for name, text in given.items() if text}, "metadata": {KEY: call.request["code"]}}


def _refunded(refund: stripe.Refund) -> Answer:
    outcome = of_refund(refund.to_dict()).outcome
    if outcome.state == "declined":
        raise Refused(outcome.words, outcome.told())
    return Answer(outcome.told())


def _method(method: stripe.PaymentMethod) -> Answer:
    return Answer({"reference": method.id, "label": label_of(method.to_dict())})


def _refused(error: stripe.StripeError) -> Refused:
    body: Any = error.json_body
    told = dict(body.get("error") or {}) if isinstance(body, dict) else {}
    told.setdefault("message", str(error.user_message or "Stripe declined it."))
    outcome = declined(told, id_of(told.get("payment_intent")))
    if not isinstance(error, stripe.CardError):  # the request itself: it will be no better next time
        outcome = Outcome("declined", outcome.reference, code=outcome.code, words=outcome.words, hard=True)
    return Refused(outcome.words or "Stripe declined it.", outcome.told())


def _key(found: stripe.PaymentIntent | stripe.Refund) -> str:
    return str((found.to_dict().get("metadata") or {}).get(KEY, ""))
