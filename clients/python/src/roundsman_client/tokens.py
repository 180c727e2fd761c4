"""The pair of tokens: kept where the program wants it, renewed by one at a time, and kept before it is used.

A refresh token works once. Brought a second time it ends the whole sign-in, so whoever renews holds the store's lock,
looks whether somebody else has renewed meanwhile, and never sends a refresh token again whose answer was lost.
"""

from __future__ import annotations

import base64
import json
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

LIFE_S = 600.0
EARLY_S = 30.0  # renewed before it ends, so that no request meets the end on its way


@dataclass(frozen=True)
class Tokens:
    """`renew_at_s`: from when on the access token is renewed first, in seconds of time.time()."""

    access: str
    refresh: str
    renew_at_s: float

    @classmethod
    def of(cls, access: str, refresh: str, now_s: float) -> Tokens:
        return cls(access, refresh, now_s + max(EARLY_S, life_s(access)) - EARLY_S)


class Store(Protocol):
    """Where the pair is kept. `lock` keeps out everybody else who renews the same pair, also other processes."""

    def load(self) -> Tokens | None: ...

    def save(self, tokens: Tokens | None) -> None: ...

    def lock(self) -> AbstractContextManager[object]: ...


class Memory:
    """For as long as the program runs."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens, self._lock = tokens, threading.RLock()

    def load(self) -> Tokens | None:
        return self._tokens

    def save(self, tokens: Tokens | None) -> None:
        self._tokens = tokens

    def lock(self) -> AbstractContextManager[object]:
        return self._lock


def life_s(access: str) -> float:
    """How long the token lasts by its own words, from `iat` to `exp`: so the two clocks need not agree."""
    try:
        part = access.split(".")[1]
        told = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return float(told["exp"]) - float(told["iat"])
    except (IndexError, KeyError, TypeError, ValueError):
        return LIFE_S
