"""A payment provider outside that keeps its own books, so that a second charge shows. It honours no idempotency keys, and some cards decline."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from billing import ports
from billing.ports import BadWebhook, Event, Outcome, RefundSeen
from project.chaos.bank import BOOKS
from queues.engine.outbox import provider
from queues.outbound import Answer, Call, Refused

NAME = "chaos-till"
DECLINES = 7  # the card of one account in so many
TAKES_S = 0.02  # to reach it, and to hear from it


class Till:
    """billing.ports.PaymentProvider. Of its books each line is one charge: its key, what became of it, how much."""

    name = NAME
    honours_idempotency_keys = False
    replay_window_s = 0.0
    lands_within_s = 1.0

    def send(self, call: Call) -> Answer:
        time.sleep(TAKES_S)
        declined = sum(str(call.request["account"]).encode()) % DECLINES == 0
        line = f"{call.key} {'declined' if declined else 'charged'} {call.request['amount_minor']} {call.request['currency']}\n"
        with _books().open("ab", buffering=0) as file:
            file.write(line.encode())  # one write: a kill cannot tear it
        time.sleep(TAKES_S)
        return _answer(call.key, line)

    def look_up(self, call: Call) -> Answer | None:
        line = next((line for line in charges(_books()) if line.startswith(f"{call.key} ")), None)
        if line is None:
            return None
        with _looks(_books()).open("ab", buffering=0) as file:
            file.write(f"{call.key}\n".encode())
        return _answer(call.key, line)

    def look(self, reference: str) -> Outcome:
        raise LookupError(f"{NAME} tells by key alone, not by {reference}.")

    def refunds_of(self, reference: str) -> Sequence[RefundSeen]:
        return []

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        raise BadWebhook(f"{NAME} sends no messages.")

    def read_event(self, body: str) -> Event:
        raise BadWebhook(f"{NAME} sends no messages.")


def _answer(key: str, line: str) -> Answer:
    if line.split()[1] == "declined":
        outcome = Outcome("declined", code="insufficient_funds", words="The account does not hold that much.")
        raise Refused(outcome.words, outcome.told())
    return Answer(Outcome("succeeded", reference=f"till:{key}").told())


def charges(books: Path) -> list[str]:
    """Its books, line by line."""
    return books.read_text().splitlines() if books.exists() else []


def looks(books: Path) -> set[str]:
    """Of which charges somebody found out by asking."""
    return set(_looks(books).read_text().splitlines()) if _looks(books).exists() else set()


def _looks(books: Path) -> Path:
    return books.with_name(f"{books.name}.looks")


def _books() -> Path:
    return Path(os.environ[BOOKS])


def open_it() -> None:
    """Make it known to the outbox and to billing, once a process."""
    if not ports.is_there(NAME):
        provider(Till())
        ports.register(Till())
