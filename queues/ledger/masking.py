"""Personal data in what the audit log tells, made unreadable: `m…@example.com`, `…67`. Pure.

E-mail addresses and telephone numbers, in texts and anywhere inside JSON. A number is one if it is written as such (with
a +, with groups as people write them) or stands under a name that says so. Ids, dates, amounts and digests stay.
"""

from __future__ import annotations

import re
from typing import Any

_EMAIL = re.compile(r"(?<![\w.+%'-])([\w+%'-])[\w.+%'-]*@((?:[\w-]+\.)+[^\W\d_][\w-]+)")
_GAP = r"[ \u00a0./()-]{0,3}"
_PHONE = re.compile(
    r"(?<![\w+.-])(?:"
    rf"(?:\+|00)[1-9](?:{_GAP}\d){{6,14}}"  # +43 660 123 45 67
    r"|\(\d{2,5}\)[ \u00a0./-]{0,2}\d(?:[ \u00a0./-]?\d){4,9}"  # (512) 555-0173
    r"|[2-9]\d{2}[ .-]\d{3}[ .-]\d{4}"  # 512-555-0173
    r"|(?!\d\d[/-]\d\d[/-]\d{4}\b)0[1-9]\d{0,4}[ /-]\d(?:[ /-]?\d){6,9}"  # 0660 123 45 67, but no date
    r")(?![\w-]|\.\d)"
)
_PHONE_NAME = re.compile(r"phone|mobile|(?:^|_)(?:tel|fax|sms|cell|msisdn|whatsapp)(?:_|$)", re.IGNORECASE)
_DIGITS = re.compile(r"\d")


def text(told: str) -> str:
    """A text with its addresses and numbers masked; again changes nothing."""
    if "@" in told:
        told = _EMAIL.sub(r"\1…@\2", told)
    return _PHONE.sub(lambda found: _number(found[0]), told)


def value(told: Any, name: str = "") -> Any:
    """A JSON value, names and all; `name` is what it stands under."""
    if isinstance(told, dict):
        return {text(key): value(held, key) for key, held in told.items()}
    if isinstance(told, list | tuple):
        return [value(held, name) for held in told]
    if isinstance(told, bool) or told is None:
        return told
    if _PHONE_NAME.search(name) and isinstance(told, str | int):
        digits = len(_DIGITS.findall(str(told)))
        return _number(str(told)) if digits > 4 else text(told) if isinstance(told, str) else told
    return text(told) if isinstance(told, str) else told


def _number(told: str) -> str:
    return "…" + "".join(_DIGITS.findall(told))[-2:]
