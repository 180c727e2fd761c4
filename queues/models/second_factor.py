"""A second factor as the library keeps it, but for what would let a reader of the database sign in: that is sealed, or a digest."""

from __future__ import annotations

import base64
from binascii import unhexlify
from typing import Any

from django.utils.crypto import salted_hmac
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice, default_key

from queues import encryption

PURPOSE = "second factor"


def sealed_key(hex_key: str) -> str:
    """A key as the library makes them, 40 hex digits, sealed: short enough for its column (80 characters)."""
    return encryption.seal(base64.b64encode(unhexlify(hex_key)).decode(), PURPOSE)


def new_key() -> str:
    return sealed_key(default_key())


def code_digest(code: str) -> str:
    """A backup code as it is kept, 16 characters. Keyed with SECRET_KEY, for a code has 40 bits that could be tried."""
    mac = salted_hmac(__name__, code, algorithm="sha256").digest()
    return base64.b32encode(mac[:10]).decode().lower()


class Authenticator(TOTPDevice):  # type: ignore[misc]
    """An authenticator application's secret, `key`, sealed."""

    class Meta:
        proxy = True

    @property
    def bin_key(self) -> bytes:
        """Raises CannotOpen."""
        return base64.b64decode(encryption.unseal(self.key, PURPOSE))


class BackupCodes(StaticDevice):  # type: ignore[misc]
    """Codes that work once each; their digests are kept."""

    class Meta:
        proxy = True

    def verify_token(self, token: Any) -> bool:
        return bool(super().verify_token(code_digest(str(token))))
