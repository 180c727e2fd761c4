"""Where this house may send something of its own accord: which URLs, and which of their hosts' addresses. Pure: nothing is
resolved here.

Public addresses alone, and what the operator allows (WEBHOOK_ALLOWED_PRIVATE). Some are never allowed: link-local and
the clouds' metadata services, where whoever asks is given secrets.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
MAX_URL = 1000
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_NUMBER = re.compile(
    r"(0x[0-9a-f]*|[0-9]+)"
)  # 127.1, 0x7f000001, 2130706433: the resolver would take them for addresses
_VISIBLE = re.compile(r"[\x21-\x7e]+")


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))


# Of no use to anybody but an attacker, whatever the operator allows: "this" network, link-local, multicast, broadcast, and
# the metadata services that lie elsewhere (Azure, Alibaba, Oracle; AWS and Google on IPv6).
NEVER = _networks(
    "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "168.63.129.16/32", "100.100.100.200/32",
    "192.0.0.192/32", "::/128", "fe80::/10", "fec0::/10", "ff00::/8", "fd00:ec2::/32", "fd20:ce::254/128",
)  # fmt: skip
# The registries of special-purpose addresses (IANA), without those above. Python's `is_global` differs by its version.
_NOT_PUBLIC = _networks(
    "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
    "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)  # fmt: skip
_UNICAST = IPv6Network("2000::/3")  # all that is given out; the rest of IPv6 is special or nobody's
_NAT64 = IPv6Network("64:ff9b::/96")


class BadAddress(ValueError):
    """A URL to which nothing is sent; the message says what is wrong with it."""


@dataclass(frozen=True)
class Allowed:
    """What the operator allows beside public addresses: networks, and hosts by name, wherever they are."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, entries: Iterable[str]) -> Allowed:
        """From `10.1.0.0/16`, `127.0.0.1`, `hooks.internal`. Raises ValueError."""
        read = [entry_of(each) for each in entries]
        return cls(
            tuple(each for each in read if not isinstance(each, str)),
            frozenset(each for each in read if isinstance(each, str)),
        )


@dataclass(frozen=True)
class Target:
    """A URL that may be asked, taken apart. `host` in lower case; an IPv6 address without its brackets."""

    scheme: str
    host: str
    port: int


def entry_of(text: str) -> Network | str:
    """One entry of WEBHOOK_ALLOWED_PRIVATE. Raises ValueError."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        name = text.lower()
        if "/" in name or not _HOST.fullmatch(name) or _NUMBER.fullmatch(name.rpartition(".")[2]):
            raise ValueError(f"{text!r} is neither a network, such as 10.1.0.0/16, nor a host's name.") from None
        return name


def target_of(url: str, allowed: Allowed) -> Target:
    """https alone, to port 443 or one from 1024 on: those below belong to services of other kinds. Plain http is for a
    loopback host that the operator allows. Raises BadAddress."""
    if not _VISIBLE.fullmatch(url) or "\\" in url or len(url) > MAX_URL:
        raise BadAddress(
            f"Give a URL of at most {MAX_URL:,} characters, without spaces; a host's name in ASCII (xn--…)."
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadAddress("This is no URL.") from None
    if parts.username is not None or parts.password is not None:
        raise BadAddress("Leave name and password out of the URL: they would end up in logs. What is sent is signed.")
    if "#" in url:
        raise BadAddress("Leave out what is behind #: it is never sent.")
    host = (parts.hostname or "").removesuffix(".")
    literal = _literal(host)
    if literal is None and (not _HOST.fullmatch(host) or _NUMBER.fullmatch(host.rpartition(".")[2])):
        raise BadAddress("This URL names no host.")
    if literal is not None and not permitted(literal, host, allowed):
        raise BadAddress(no_address(host))
    return Target(_scheme(parts, host, allowed), host, _port(port, parts.scheme))


def permitted(address: Address, host: str, allowed: Allowed) -> bool:
    """Whether something may be sent to this address of this host."""
    plain = plain_of(address)
    if plain is None or _within(plain, NEVER):
        return False
    return host in allowed.hosts or _within(plain, allowed.networks) or is_public(plain)


def is_public(address: Address) -> bool:
    """Whether it is a host's on the internet. Of an address of IPv4 inside one of IPv6, see `plain_of`."""
    unicast = isinstance(address, IPv4Address) or address in _UNICAST
    return unicast and not _within(address, NEVER) and not _within(address, _NOT_PUBLIC) and not address.is_private


def plain_of(address: Address) -> Address | None:
    """The address that is reached in the end: IPv4's where it is mapped or translated (NAT64) into IPv6. None: a zone."""
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id is not None:
        return None
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address


def no_address(host: str) -> str:
    """What is told of a host that is refused, and of one that is not known: neither may tell of the inside."""
    return f"There is no public address of {host}."


def is_loopback(host: str, allowed: Allowed) -> bool:
    """Whether it is this machine by name or number, and the operator allows it."""
    literal = _literal(host)
    if literal is None:
        return host == "localhost" and (host in allowed.hosts or _within(IPv4Address("127.0.0.1"), allowed.networks))
    return literal.is_loopback and permitted(literal, host, allowed)


def _scheme(parts: SplitResult, host: str, allowed: Allowed) -> str:
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host, allowed)):
        return parts.scheme
    raise BadAddress("Only https:// will do: what is sent must not be read on the way.")


def _port(given: int | None, scheme: str) -> int:
    port = given if given is not None else 443 if scheme == "https" else 80
    if port != 443 and not (given is None and scheme == "http") and not 1024 <= port <= 65535:
        raise BadAddress("Only port 443, or one from 1024 on.")
    return port


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
