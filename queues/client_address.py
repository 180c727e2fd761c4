"""Where a request comes from, behind as many proxies as are trusted. Pure, but for `address_of`, which reads a setting."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from django.conf import settings

_WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d+|\[([^\]]+)\](?::\d+)?")


def address_of(request: Any) -> str:
    """The client's address, by TRUSTED_PROXIES; "" where there is none (a unix socket's peer)."""
    meta = request.META
    return client_address(
        str(meta.get("REMOTE_ADDR") or ""), str(meta.get("HTTP_X_FORWARDED_FOR", "")), settings.TRUSTED_PROXIES
    )


def client_address(peer: str, forwarded: str, trusted: int) -> str:
    """The n-th address from the right of X-Forwarded-For, n being the number of trusted proxies: each of ours appends
    the one that it was asked by. What stands left of it anybody may have written.

    The peer itself where no proxy is trusted, the list is too short (it did not come through all of ours), or what
    stands there is no address.
    """
    listed = forwarded.split(",")
    if trusted < 1 or len(listed) < trusted:
        return peer
    return _address(listed[-trusted]) or peer


def network(address: str) -> str:
    """Whom an address stands for when it is counted: of IPv6 its /64, for whoever has one address there has them all."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _address(text: str) -> str:
    """Without its port, as Python writes it; "" for what is none."""
    text = text.strip()
    if found := _WITH_PORT.fullmatch(text):
        text = found[1] or found[2]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
