"""Calls to outside (payment, mail, SMS) as a domain and an integration see them: what is asked, what a provider is and says.

No Django and no RQ here. How such a call is made once and never blindly twice is told in docs/adr/0005-outbox.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID, uuid5

from queues.errors import PermanentError, RoundsmanError, TransientError

Json = Any  # a value that json.dumps accepts
MAX_CALL_BYTES = 64 * 1024
_CALLS = UUID("5a0f8c4e-6f6d-5c55-9d5e-0d8f4c1f7a21")  # never change it: idempotency keys are derived from it


class InvalidCall(PermanentError):
    """A call that cannot be kept as it is: mend who asks for it."""

    code = "invalid_call"


class NotSent(TransientError):
    """Raised by `Provider.send`: certainly not carried out (the connection was refused, the provider turned it away
    unread). It may be sent again, `after_s` seconds from now if the provider says so."""

    code = "not_sent"

    def __init__(self, message: str, after_s: float | None = None) -> None:
        self.after_s = after_s
        super().__init__(message)


class Refused(PermanentError):
    """The provider's last word: it will not do it. `response` (JSON) is what it answered."""

    code = "refused"

    def __init__(self, message: str, response: Mapping[str, Json] | None = None) -> None:
        self.response = dict(response or {})
        super().__init__(message)


class LookUpImpossible(RoundsmanError):
    """Raised by `Provider.look_up`: this provider can never tell what became of a call."""

    code = "look_up_impossible"


class OutcomeUnknown(TransientError):
    """The call was sent, and nobody can tell yet what became of it. Looking again makes sense in `after_s` seconds;
    None: a person must find out."""

    code = "outcome_unknown"

    def __init__(self, message: str, after_s: float | None = None) -> None:
        self.after_s = after_s
        super().__init__(message)


@dataclass(frozen=True)
class OutboundRequest:
    """A call asked for. `key` is its business identity ("charge:C-17:2026-11"), unique for ever, over all providers.

    `request` is JSON, 64 KB at most: no secrets, for staff can read it. `sealed` is more of the same kind that is kept
    encrypted and shown to nobody: a telephone number, an address, what the mail says. `idempotency_key` is what the provider is given;
    empty: derived from the key, always the same. Raises InvalidCall.
    """

    key: str
    provider: str
    operation: str  # "charge", in the provider's words
    request: Mapping[str, Json] = field(default_factory=dict)
    idempotency_key: str = ""
    sealed: Mapping[str, Json] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        kept = self.idempotency_key or str(uuid5(_CALLS, self.key))
        object.__setattr__(self, "idempotency_key", kept)
        for name, limit in (("key", 255), ("provider", 40), ("operation", 80), ("idempotency_key", 255)):
            text = getattr(self, name)
            if not 1 <= len(text) <= limit or "\0" in text:
                raise InvalidCall(f"A call's {name} has 1 to {limit} characters, none of them NUL; not {text[:80]!r}.")
        for name in ("request", "sealed"):
            object.__setattr__(self, name, self._kept(name))

    def _kept(self, name: str) -> Json:
        """As the ledger gives it back."""
        try:
            text = json.dumps(getattr(self, name), allow_nan=False)
        except (TypeError, ValueError) as error:
            said = f": {error}" if name == "request" else ""
            raise InvalidCall(f"The {name} part of {self.key} is not JSON{said}") from None
        if len(text) > MAX_CALL_BYTES or "\\u0000" in text:
            raise InvalidCall(
                f"The {name} part of {self.key} is over {MAX_CALL_BYTES:,} bytes, or holds the NUL character."
            )
        return json.loads(text)


@dataclass(frozen=True)
class Call:
    """What a provider is given to send or to look up. `sent_at`: since when it may have it, aware UTC."""

    id: UUID
    key: str
    provider: str
    operation: str
    request: Mapping[str, Json]
    idempotency_key: str
    attempt: int  # 1 for the first time it is sent
    sent_at: datetime | None
    sealed: Mapping[str, Json] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Answer:
    """What the provider said when it had carried out the call: JSON, 64 KB at most is kept."""

    response: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class CallRef:
    """A call as its asker sees it. `state`: pending, sending, done, refused or unknown; `created` is False where the
    key had been posted before."""

    id: UUID
    state: str
    created: bool = False
    response: Mapping[str, Json] | None = None
    error: str = ""


class Provider(Protocol):
    """One outside service. Both methods are called outside of any transaction, from any number of threads.

    Replies are told by what is raised, a closed set. `send` returns its Answer, or raises NotSent or Refused; whatever
    else it raises, timeouts among them, makes the call unknown. So never raise NotSent for what merely failed.
    """

    @property
    def name(self) -> str:
        """As stored with each call. Names are data: never rename one."""

    @property
    def honours_idempotency_keys(self) -> bool:
        """Whether the same idempotency key sent again gets the first answer, and nothing is done twice."""

    @property
    def replay_window_s(self) -> float:
        """For how long after the first time it honours the key, seconds. Say less rather than more."""

    @property
    def lands_within_s(self) -> float:
        """What is not carried out within so many seconds after `send` was called never will be. More than the client's
        own time limit: until then, "it is not there" is not believed."""

    def send(self, call: Call) -> Answer:
        """Ask for it, with `call.idempotency_key`; once: retries are the engine's."""

    def look_up(self, call: Call) -> Answer | None:
        """What became of it, by its key: the Answer, Refused raised, or None: it is not there.

        Raises LookUpImpossible if the provider can never tell; anything else means: not now, ask again later.
        """
