"""What validation found, in words: field and message. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pydantic

from billing.interchange.problems import shown

WORDS = {
    "missing": "is needed.",
    "extra_forbidden": "There is no such name.",
    "literal_error": "{value} is not known: write {expected}.",
    "string_too_long": "has {length} characters: {max_length} at most.",
    "string_too_short": "is needed.",
    "string_pattern_mismatch": "{value} is no code of a charge: small letters, digits and underscores, a letter first, 40 at most.",
    "decimal_max_places": "{value} has more than {decimal_places} decimals.",
    "decimal_max_digits": "{value} has more than {max_digits} digits.",
    "decimal_whole_digits": "{value} has more than {whole_digits} digits before the point.",
    "decimal_parsing": "{value} is no number: write it like 12.50.",
    "greater_than": "{value} is not above {gt}.",
    "greater_than_equal": "{value} is below {ge}.",
    "less_than": "{value} is not below {lt}.",
    "less_than_equal": "{value} is above {le}.",
    "too_short": "is empty: name one charge at least.",
    "union_tag_invalid": "There is no rule {tag!r}: write {expected_tags}.",
    "union_tag_not_found": 'does not say which rule it is: add "rule": "base_fee", or another.',
}


def told(error: pydantic.ValidationError) -> Iterator[tuple[str, str]]:
    """One for each thing that is wrong."""
    for each in error.errors(include_url=False):
        context: dict[str, Any] = each.get("ctx", {})
        field = str(context.get("field") or (each["loc"][0] if each["loc"] else ""))
        inside = ".".join(str(part) for part in each["loc"][1:])
        yield field, (f"{inside}: " if inside else "") + _sentence(each, context)


def _sentence(each: Any, context: dict[str, Any]) -> str:
    match each["type"]:
        case "wrong":
            return f"{str(context['words']).rstrip('.')}."
        case "value_error":
            return f"{str(context['error']).rstrip('.')}."
    given = context | {"value": shown(each["input"]), "length": len(str(each["input"]))}
    if "expected" in given:
        given["expected"] = str(given["expected"]).replace("'", "")
    if (words := WORDS.get(each["type"])) is not None:
        return words.format(**given)
    return f"{given['value']}: {str(each['msg']).removeprefix('Input ')}."
