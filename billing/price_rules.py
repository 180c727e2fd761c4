"""A price list's rules, from what somebody wrote to what may be charged by: each error with its field's path. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pydantic
from pydantic_core import ErrorDetails

from billing import rules
from billing.charges import prove
from billing.errors import CannotPrice, WrongFields
from billing.fuel import FuelTable
from billing.money import told
from queues.errors import FieldError

KINDS: dict[str, type[rules.Rule]] = {kind.model_fields["rule"].default: kind for kind in rules.Rule.__subclasses__()}
ONE: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(rules.AnyRule)
NUMBER = "Give a number, like 12.50."
WORDS = {
    "missing": "This is missing.",
    "extra_forbidden": "This kind of rule has no such field.",
    "string_too_short": "This is missing.",
    "string_too_long": "At most {max_length} characters.",
    "string_pattern_mismatch": "Small letters, digits and underscores; it begins with a letter, and has 40 at most.",
    "decimal_parsing": NUMBER,
    "decimal_type": NUMBER,
    "finite_number": NUMBER,
    "greater_than_equal": "At least {ge}.",
    "greater_than": "More than {gt}.",
    "less_than_equal": "At most {le}.",
    "less_than": "Less than {lt}.",
    "decimal_max_digits": "At most {max_digits} digits.",
    "decimal_whole_digits": "At most {whole_digits} digits before the point.",
    "decimal_max_places": "At most {decimal_places} decimals.",
    "too_short": "Choose one charge at least.",
    "union_tag_invalid": "There is no such kind of rule.",
    "union_tag_not_found": "Say which kind of rule it is.",
}


def proved(given: Any) -> list[Any]:
    """The rules of a list, proved one by one and together (billing.charges.prove). Raises WrongFields with "rules.2.amount"."""
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise WrongFields.of("rules", "A price list's rules are a list.")
    read: list[Any] = []
    wrong: list[FieldError] = []
    for place, each in enumerate(given):
        try:
            read.append(one(each))
        except WrongFields as errors:
            wrong += [FieldError(f"rules.{place}{_dot(e.field)}", e.message, e.code) for e in errors.errors]
    if wrong:
        raise WrongFields(wrong)
    try:
        prove(read)
    except CannotPrice as error:
        raise WrongFields.of(error.field, error.message) from None
    return read


def one(given: Any) -> Any:
    """One rule. Raises WrongFields, by the rule's own fields."""
    if isinstance(given, Mapping) and (inexact := [name for name, value in given.items() if isinstance(value, float)]):
        raise WrongFields([FieldError(name, "Write it in quotation marks: amounts are exact.") for name in inexact])
    try:
        rule = ONE.validate_python(given)
    except pydantic.ValidationError as errors:
        raise WrongFields([_worded(error) for error in errors.errors(include_url=False)]) from None
    if isinstance(rule, rules.FuelSurcharge):
        try:
            FuelTable(rule.base, rule.step, rule.percent_per_step, rule.floor_percent, rule.cap_percent)
        except CannotPrice as error:
            raise WrongFields.of(error.field, error.message) from None
    return rule


def stored(read: Sequence[Any]) -> list[dict[str, Any]]:
    """As JSON: amounts as texts, never in exponents; optional ones that are not given are left out."""
    return [{name: _plain(value) for name, value in rule.model_dump(exclude_none=True).items()} for rule in read]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return told(value)
    return list(value) if isinstance(value, tuple) else value


def _worded(error: ErrorDetails) -> FieldError:
    path = [str(part) for part in error["loc"]]
    field = next((part for part in path[1:] if not part.isdecimal()), "")  # (the first is the kind)
    text = WORDS.get(error["type"])
    if text is None:
        plain = error["msg"].removeprefix("Value error, ")
        text = f"{plain[:1].upper()}{plain[1:].rstrip('.')}."
    return FieldError(
        "rule" if "union_tag" in error["type"] else field, text.format(**error.get("ctx", {})), error["type"]
    )


def _dot(field: str) -> str:
    return f".{field}" if field else ""
