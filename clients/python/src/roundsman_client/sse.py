"""A stream of Server-Sent Events: bytes → events. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from .models import Event


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Whole lines, however they were cut on their way. What comes after the last line break is no line (yet)."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")


def events(texts: Iterable[str]) -> Iterator[Event]:
    """Whole events; comments, and what the connection cut off, are passed over."""
    kind, last = "", ""
    data: list[str] = []
    for text in texts:
        if not text:
            if data and (event := _event(kind, "\n".join(data), last)):
                yield event
            kind, data = "", []
            continue
        name, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id":
            last = value


def _event(kind: str, data: str, last: str) -> Event | None:
    try:
        told = json.loads(data)
    except ValueError:
        return None
    return Event(kind, told, last) if isinstance(told, dict) else None
