"""What billing needs of whoever moves money: what it asks, what it is told, and who is there. Pure.

A provider is one of the engine's outbox (queues.outbound.Provider), so that a charge is made once or honestly unknown; it understands
the five operations below, and its answers are `Outcome`s. All amounts are whole minor units of ISO 4217: a provider that counts otherwise
translates by itself. `integrations` makes its providers known when the application starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from queues.errors import PermanentError
from queues.outbound import OutboundRequest, Provider

CHARGE, REFUND, CUSTOMER, ATTACH, DETACH = "charge", "refund", "customer", "attach", "detach"
State = Literal["succeeded", "declined", "processing", "unknown"]


class NoProvider(PermanentError):
    """Nobody of this name takes payments here."""

    code = "no_payment_provider"

    def __init__(self, name: str) -> None:
        super().__init__(f"The payment provider {name!r} is not set up here: see docs/how-to/take-payments.md.")


class BadWebhook(PermanentError):
    """A message that is not surely the provider's. Nothing of it is kept."""

    code = "bad_signature"


@dataclass(frozen=True)
class Outcome:
    """What became of a charge or a refund. `amount_minor` is what was had or went back, 0: all that was asked for; `code` and `words` say why
    not, in the provider's words; `hard`: asking again with the same method is no use."""

    state: State
    reference: str = ""
    amount_minor: int = 0
    code: str = ""
    words: str = ""
    hard: bool = False

    def told(self) -> dict[str, Any]:
        """As an answer of the outbox (`Answer`, `Refused`) keeps it."""
        return asdict(self)

    @classmethod
    def read(cls, response: Mapping[str, Any] | None, default: State) -> Outcome:
        """The answer that was kept. What a person wrote in its place ("It was done") may hold less: then `default` is what became of it."""
        given = {name: value for name, value in (response or {}).items() if name in cls.__dataclass_fields__}
        return cls(**({"state": default} | given))


# --- what is asked -----------------------------------------------------------------------------------------------


def charge(
    provider: str, key: str, *, account: str, method: str, amount_minor: int, currency: str, document: str
) -> OutboundRequest:
    """Take so much from a saved method. `key` is the charge's business identity ("charge:INV-000017:1")."""
    asked = {"account": account, "method": method, "amount_minor": amount_minor, "currency": currency}
    return OutboundRequest(key, provider, CHARGE, asked | {"document": document})


def refund(provider: str, key: str, *, charge: str, amount_minor: int, currency: str) -> OutboundRequest:
    """Give so much back of the charge with this reference."""
    return OutboundRequest(
        key, provider, REFUND, {"charge": charge, "amount_minor": amount_minor, "currency": currency}
    )


def customer(provider: str, code: str, *, name: str, email: str) -> OutboundRequest:
    """Make a customer known to the provider; the answer's `reference` is its id there."""
    return OutboundRequest(
        f"customer:{provider}:{code}", provider, CUSTOMER, {"code": code}, sealed={"name": name, "email": email}
    )


def attach(provider: str, method: str, *, account: str) -> OutboundRequest:
    """Save a method with a customer; the answer has `reference` and `label`."""
    return OutboundRequest(f"attach:{method}:{account}", provider, ATTACH, {"method": method, "account": account})


def detach(provider: str, method: str) -> OutboundRequest:
    """Never charge this method again."""
    return OutboundRequest(f"detach:{method}", provider, DETACH, {"method": method})


# --- what is told ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChargeSeen:
    """How a charge stands. `key` is ours, as it was given with the charge; empty where the charge was made elsewhere."""

    key: str
    outcome: Outcome


@dataclass(frozen=True)
class RefundSeen:
    """How a refund stands; `charge` is the reference of what it is a part of. Without our `key` it was made elsewhere."""

    key: str
    charge: str
    outcome: Outcome


@dataclass(frozen=True)
class RefundedSeen:
    """All that went back of a charge so far."""

    charge: str
    amount_minor: int


@dataclass(frozen=True)
class DisputeSeen:
    reference: str
    charge: str
    amount_minor: int
    state: Literal["open", "won", "lost"]
    reason: str = ""


@dataclass(frozen=True)
class MethodSeen:
    """A method was saved with a customer (`account`), or taken away (none)."""

    reference: str
    account: str
    label: str


News = ChargeSeen | RefundSeen | RefundedSeen | DisputeSeen | MethodSeen | None  # None: nothing that matters here


@dataclass(frozen=True)
class Event:
    """A webhook's message; `created_at` by the provider's clock, aware UTC."""

    id: str
    kind: str
    created_at: datetime
    news: News


class PaymentProvider(Provider, Protocol):
    """Beside sending and looking up calls: reading, which changes nothing. Outside of any transaction, from any thread."""

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """That the provider sent this, and not long before or after `now`. Raises BadWebhook."""

    def read_event(self, body: str) -> Event:
        """A verified body. Raises BadWebhook."""

    def look(self, reference: str) -> Outcome:
        """How the charge of this reference stands now. Raises TransientError, LookupError: there is none."""

    def refunds_of(self, reference: str) -> Sequence[RefundSeen]:
        """What went back of the charge of this reference. Raises TransientError."""


# --- who is there ------------------------------------------------------------------------------------------------

_providers: dict[str, PaymentProvider] = {}


def register(provider: PaymentProvider) -> None:
    """Once, when the application starts; the same name again replaces it."""
    _providers[provider.name] = provider


def forget(name: str) -> None:
    """For tests that bring their own."""
    _providers.pop(name, None)


def names() -> list[str]:
    """Of all who take payments here."""
    return sorted(_providers)


def is_there(name: str) -> bool:
    return name in _providers


def get(name: str) -> PaymentProvider:
    """Raises NoProvider."""
    if name not in _providers:
        raise NoProvider(name)
    return _providers[name]


# --- who tells customers -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Letter:
    """A reminder as it is to be told, rendered."""

    customer: str
    language: str
    document: str
    title: str
    text: str


class Messenger(Protocol):
    def __call__(self, letter: Letter) -> str:
        """Have it sent, in the caller's transaction (posted, not sent in it). Returns in words what was done."""


def nobody(letter: Letter) -> str:
    return "Recorded; nothing is sent to customers yet."


messenger: Messenger = nobody
