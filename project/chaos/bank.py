"""A provider outside that keeps its own books, so that a call sent twice shows. It honours no idempotency keys."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from queues.outbound import Answer, Call

BOOKS = "CHAOS_BANK"  # the variable that names the file: one line for each charge, its key


class Bank:
    """queues.contract.Provider."""

    name = "chaos-bank"
    honours_idempotency_keys = False
    replay_window_s = 0.0
    lands_within_s = 1.0

    def send(self, call: Call) -> Answer:
        with _books().open("ab", buffering=0) as file:
            file.write(f"{call.key}\n".encode())
        return Answer({"charged": call.key})

    def look_up(self, call: Call) -> Answer | None:
        return Answer({"charged": call.key}) if charges(_books())[call.key] else None


def charges(books: Path) -> Mapping[str, int]:
    """How often each key was charged."""
    return Counter(books.read_text().splitlines() if books.exists() else ())


def _books() -> Path:
    return Path(os.environ[BOOKS])
