"""What differs between two sets of rules, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from billing.money import told

UNTOLD = ("rule", "code", "title")


def differences(before: Sequence[Any], after: Sequence[Any]) -> list[str]:
    """ "Pick-up: amount 25.00 → 27.00"; what is new, what is gone. Rules are the same where their code and kind are."""
    old, new = ({(each.rule, each.code): each for each in rules} for rules in (before, after))
    said = []
    for key, rule in new.items():
        was = old.get(key)
        if was is None:
            said.append(f"{rule.title}: new")
            continue
        names = [
            name for name in type(rule).model_fields if name not in UNTOLD and getattr(was, name) != getattr(rule, name)
        ]
        parts = [f"{_words(name)} {_value(getattr(was, name))} → {_value(getattr(rule, name))}" for name in names]
        if was.title != rule.title:
            parts.append(f"called “{rule.title}” from now on")
        if parts:
            said.append(f"{was.title}: {', '.join(parts)}")
    said += [f"{rule.title}: gone" for key, rule in old.items() if key not in new]
    return said


def _words(name: str) -> str:
    return "counted charges" if name == "of" else name.removesuffix("_t").replace("_", " ")


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return told(value) if isinstance(value, Decimal) else str(value)
