"""What a log record tells: its fields, redacted and cut to size. Both formats write these."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS

from queues import log_context, redaction

MESSAGE, EXCEPTION, EXTRA = 8_000, 24_000, 1_000  # characters that are kept
EXTRAS = 12  # fields that a caller gave with `extra=`
MARGIN = 9_000  # read beyond the cut, so that a secret which lies across it is seen as one
# Django gives the request with its warnings, address and query and all; what is to be known of it is its id.
_LEFT_OUT = RESERVED_ATTRS + ["request", "server_time", "color_message", "message", "asctime"]  # noqa: RUF005


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """time (UTC), level, logger, message; request_id, run_id, extras and exception where there are any. All are short
    texts or numbers. Never raises: what cannot be told is told as such."""
    told: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
        "message": first(message(record), MESSAGE),
    }
    if request_id := log_context.request_id.get() or getattr(getattr(record, "request", None), "request_id", ""):
        told["request_id"] = str(request_id)
    if run_id := log_context.run_id.get():
        told["run_id"] = str(run_id)
    extras = [name for name in record.__dict__ if name not in _LEFT_OUT and not name.startswith("_")]
    told |= {name: _extra(name, record.__dict__[name]) for name in extras[:EXTRAS] if name not in told}
    if exception := _exception(record):
        told["exception"] = last(exception, EXCEPTION)
    return told


def message(record: logging.LogRecord) -> str:
    """The message with its arguments in it; both beside each other where they do not fit."""
    try:
        return record.getMessage()
    except Exception:
        return f"{_shown(record.msg)} {_shown(record.args)}"


def first(told: str, most: int) -> str:
    """The beginning of a text, redacted: `most` characters, and how many are missing."""
    if len(told) <= most:
        return _cut(redaction.text(told), most, len(told))
    window = redaction.text(told[: most + MARGIN])
    whole = window if len(told) <= most + MARGIN else window[: -MARGIN or None]
    return _cut(whole, most, len(told))


def last(told: str, most: int) -> str:
    """The end of a text, redacted: of a traceback it is what matters."""
    if len(told) <= most:
        return redaction.text(told)[-most:]
    window = redaction.text(told[-most - MARGIN :])
    whole = window if len(told) <= most + MARGIN else window[MARGIN:]
    return f"[… of {len(told):,} characters] {whole[-most:]}"


def _cut(told: str, most: int, length: int) -> str:
    return told if length <= most and len(told) <= most else f"{told[:most]} [… of {length:,} characters]"


def _extra(name: str, held: Any) -> Any:
    if redaction.names_secret(name):
        return redaction.HIDDEN
    if held is None or isinstance(held, bool | int | float):
        return held
    return first(held if isinstance(held, str) else _shown(held), EXTRA)


def _shown(held: Any) -> str:
    try:
        return json.dumps(redaction.value(held))
    except Exception:
        return f"[{type(held).__name__} that cannot be shown]"


def _exception(record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info and record.exc_info[0] is not None:
        parts.append("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
    elif record.exc_text:
        parts.append(record.exc_text)
    if record.stack_info:
        parts.append(str(record.stack_info))
    return "\n".join(parts)
