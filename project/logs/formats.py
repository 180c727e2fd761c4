"""The two formats: one JSON object a line, for machines; a plain line, for people. Neither can be split from inside."""

from __future__ import annotations

import logging
import re

from pythonjsonlogger.json import JsonFormatter

from project.logs.told import fields

LONGEST = 64 * 1024  # bytes of a line
# Line ends and terminal controls of every kind, what reorders text, halves of characters.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
CONTINUED = "    | "


class Json(JsonFormatter):
    """ASCII alone, so that no reader finds another line end in it than ours."""

    def format(self, record: logging.LogRecord) -> str:
        told = fields(record)
        line: str = self.serialize_log_record(told)
        for most in (4_000, 500, 50):
            if len(line) <= LONGEST:
                break
            line = self.serialize_log_record({k: v[:most] if isinstance(v, str) else v for k, v in told.items()})
        return line


class Line(logging.Formatter):
    """`time LEVEL logger [request …, run …]: message`; a traceback's lines follow, each behind a bar, which no record
    begins with."""

    def format(self, record: logging.LogRecord) -> str:
        told = fields(record)
        about = ", ".join(f"{name} {told[f'{name}_id']}" for name in ("request", "run") if f"{name}_id" in told)
        head = f"{told['time']} {told['level']:7} {told['logger']}{f' [{about}]' if about else ''}: {told['message']}"
        lines = str(told.get("exception", "")).split("\n") if "exception" in told else []
        return "\n".join([plain(head), *(CONTINUED + plain(line) for line in lines)])


def plain(told: str) -> str:
    """A text in which nothing ends the line or steers a terminal: such characters are written as Python writes them."""
    return _UNSAFE.sub(lambda found: _SHORT.get(found[0]) or _escaped(ord(found[0])), told)


def _escaped(point: int) -> str:
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"
