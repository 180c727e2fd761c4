"""A host's name → the addresses to which something may be sent. Resolved once; what is connected to is what was looked at.

The system's resolver blocks a thread: these are few and apart, so that names which never answer stop nothing else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor

from queues.web_address import Address, Allowed, BadAddress, Target, no_address, permitted, plain_of

MOST = 4  # addresses that are tried
_threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolve")


async def addresses_of(target: Target, allowed: Allowed) -> list[Address]:
    """Of all its addresses none may be forbidden, or the host is refused as a whole. Raises BadAddress."""
    try:
        found = [ipaddress.ip_address(target.host)]
    except ValueError:
        found = await _resolved(target)
    if not found or not all(_fits(address, target, allowed) for address in found):
        raise BadAddress(no_address(target.host))
    plain = [plain_of(address) if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped else address
             for address in found]  # fmt: skip
    return [address for address in dict.fromkeys(plain) if address is not None][:MOST]


def _fits(address: Address, target: Target, allowed: Allowed) -> bool:
    return permitted(address, target.host, allowed) and (target.scheme == "https" or address.is_loopback)


async def _resolved(target: Target) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        answers = await loop.run_in_executor(
            _threads, socket.getaddrinfo, target.host, target.port, socket.AF_UNSPEC, socket.SOCK_STREAM
        )
        return [ipaddress.ip_address(answer[4][0]) for answer in answers]
    except (OSError, UnicodeError, ValueError):
        raise BadAddress(no_address(target.host)) from None
