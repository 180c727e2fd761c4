"""What is wrong with a setting of Stripe's, in words. Pure; the library is not needed for it."""

from __future__ import annotations

from urllib.parse import urlsplit

BASE = "https://api.stripe.com"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check_key(text: str) -> None:
    """Raises ValueError."""
    if not text.startswith(("sk_", "rk_")) or len(text) < 12:
        raise ValueError("a secret key begins with sk_, a restricted one with rk_")


def check_secret(text: str) -> None:
    """Raises ValueError."""
    if not text.startswith("whsec_") or len(text) < 16:
        raise ValueError("the signing secret of an endpoint begins with whsec_")


def check_base(text: str) -> None:
    """Raises ValueError. The key goes there with every request: so it is encrypted, or does not leave this machine."""
    parts = urlsplit(text)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError("https:// alone, but for a stand-in on this machine")
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ValueError("a scheme and a host, and nothing behind them")
