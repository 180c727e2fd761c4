"""Values in addresses, and lists that come in pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from .transport import Transport


def path_of(name: object) -> str:
    """One part of a path, whatever is in it."""
    return quote(str(name), safe="")


def text_of(value: Any) -> str:
    """A value of a query: a moment with its offset, a list with commas. Raises ValueError for a moment without one."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no offset: which time zone is meant?")
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(text_of(each) for each in value)
    return str(value)


def query_of(filters: Mapping[str, Any]) -> dict[str, str]:
    return {name: text_of(value) for name, value in filters.items() if value is not None}


def items(transport: Transport, path: str, filters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All items; a page is asked for when it is needed. `next` is a path of the same server, and no other is asked."""
    page = transport.ask("GET", path, query=query_of(filters)).json()
    while True:
        yield from page["items"]
        following = page["next"]
        if following is None:
            return
        if not following.startswith("/") or following.startswith("//"):
            raise ValueError("The next page is not on this server.")
        page = transport.ask("GET", str(transport.http.base_url.join(following))).json()
