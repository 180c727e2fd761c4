"""Long parameters take less room: over 1 KB their JSON text is stored compressed, where that is smaller. Pure."""

from __future__ import annotations

import zlib

LONG = 1024  # bytes of UTF-8: below, compressing gains less than it costs
LEVEL = 6


def pack(text: str) -> bytes | None:
    """A text as zlib data; None where it stays as it is: it is short, or would not get smaller. Raises UnicodeEncodeError
    for a text that is none (half a surrogate pair)."""
    if len(text) * 4 <= LONG:  # the ordinary case: no character takes more than four bytes
        return None
    raw = text.encode()
    if len(raw) <= LONG:
        return None
    packed = zlib.compress(raw, LEVEL)
    return packed if len(packed) < len(raw) else None


def unpack(packed: bytes | memoryview) -> str:
    """The text that `pack` was given. Raises ValueError for data that is not its."""
    try:
        return zlib.decompress(packed).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"These are no packed parameters: {error}") from error
