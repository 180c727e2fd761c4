"""Values that are kept encrypted: `sealed:<key>:<data>`. The same text under the same key reads the same, so it can be compared.

AES-SIV (RFC 5297): authenticated and deterministic. What is told is which sealed values are equal, and their length. Each is bound
to its `purpose` (a job, a column): moved elsewhere, it does not open. Keys come from ENCRYPTION_KEYS: the first one seals, all of
them open, so a new one is put before the others (see docs/how-to/rotate-keys.md).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from queues.errors import PermanentError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

PREFIX = "sealed:"
_SEALED = re.compile(r"sealed:[0-9a-f]{8}:[\w-]*", re.ASCII)
LEAST_BYTES = 32  # of a key as it is given


class CannotOpen(PermanentError):
    """A sealed value that none of our keys opens, or that belongs elsewhere."""

    code = "cannot_open"


class Keyring:
    """Keys, newest first. Raises ValueError for one that is too short, and for none at all."""

    def __init__(self, keys: Sequence[str]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import (
            AESSIV,
        )  # a worker without sealed values does not load it

        self._ciphers: dict[str, AESSIV] = {}
        for key in keys:
            self._ciphers.setdefault(key_id(key), AESSIV(_material(key)))
        if not self._ciphers:
            raise ValueError("There is no key.")
        self.newest = next(iter(self._ciphers))

    def seal(self, text: str, purpose: str) -> str:
        """Raises UnicodeEncodeError for a text that is none (half a surrogate pair)."""
        data = self._ciphers[self.newest].encrypt(
            b"\x01" + text.encode(), [purpose.encode()]
        )  # (it takes no empty text)
        return f"{PREFIX}{self.newest}:{base64.urlsafe_b64encode(data).decode().rstrip('=')}"

    def open(self, sealed: str, purpose: str) -> str:
        """The text that was sealed. Raises CannotOpen."""
        from cryptography.exceptions import InvalidTag

        name, _, data = sealed.removeprefix(PREFIX).partition(":")
        cipher = self._ciphers.get(name) if is_sealed(sealed) else None
        if cipher is None:
            raise CannotOpen(
                "This value was sealed with a key that is not in ENCRYPTION_KEYS: put it back, behind the others."
            )
        try:
            raw = base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_", validate=True)
            return cipher.decrypt(raw, [purpose.encode()])[1:].decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise CannotOpen(
                "This sealed value was changed, or belongs to something else: give the value itself."
            ) from None

    def is_newest(self, sealed: str) -> bool:
        """Whether the newest key sealed it."""
        return sealed.startswith(f"{PREFIX}{self.newest}:")

    def renew(self, sealed: str, purpose: str) -> str:
        """The same value under the newest key. Raises CannotOpen."""
        return sealed if self.is_newest(sealed) else self.seal(self.open(sealed, purpose), purpose)


def veil(text: str) -> str:
    """A text for people to read, with a blot for each sealed value in it."""
    return _SEALED.sub("•••", text)


def is_sealed(value: object) -> bool:
    """Whether it reads as a sealed value does; whether it opens is another question."""
    return isinstance(value, str) and value.startswith(PREFIX)


def keyring() -> Keyring:
    """That of the settings."""
    return _made(tuple(settings.ENCRYPTION_KEYS))


def seal(text: str, purpose: str) -> str:
    return keyring().seal(text, purpose)


def unseal(sealed: str, purpose: str) -> str:
    """Raises CannotOpen."""
    return keyring().open(sealed, purpose)


def key_id(key: str) -> str:
    """What a key is called in what it sealed: eight hex digits, which tell nothing of it. Raises ValueError."""
    return hashlib.sha256(b"id" + _material(key)).hexdigest()[:8]


def check(key: str) -> None:
    """Raises ValueError for a key that will not do."""
    _material(key)


@lru_cache(maxsize=4)
def _made(keys: tuple[str, ...]) -> Keyring:
    return Keyring(keys)


def _material(key: str) -> bytes:
    """The 64 bytes that the cipher takes, out of a key as people make them."""
    if len(key.encode()) < LEAST_BYTES:
        raise ValueError(f"An encryption key has {LEAST_BYTES} characters or more.")
    return hashlib.sha512(b"roundsman sealed values" + key.encode()).digest()
