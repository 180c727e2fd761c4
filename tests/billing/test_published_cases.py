"""What others have published, priced by `manage.py quote` to the digit: example invoices of EN 16931, Peppol and XRechnung, scenarios
of billing engines, a city's fuel schedule. Figures alone are taken over, each with its source."""

from __future__ import annotations

import io
import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest

from billing import quote_command
from billing.quoting import quote

PUBLISHED = [
    json.loads(line) for line in Path(__file__).with_name("published_cases.jsonl").read_text("utf-8").splitlines()
]


def contained(expected: Any, found: Any) -> bool:
    """Numbers by their value; of an object only what is expected of it."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(contained(each, found.get(name)) for name, each in expected.items())
    if isinstance(expected, list):
        return len(expected) == len(found) and all(map(contained, expected, found))
    try:
        return Decimal(str(expected)) == Decimal(str(found))
    except InvalidOperation:
        return bool(expected == found)


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["input"]["case"])
def test_what_was_published_is_answered_to_the_digit(case: dict[str, Any]) -> None:
    answer = quote(case["input"])
    assert contained(case["expect"], answer), (case["source"], answer)


def test_all_of_them_are_answered_in_order_by_the_command() -> None:
    text = "".join(json.dumps(case["input"]) + "\n" for case in PUBLISHED)
    out = io.StringIO()
    assert quote_command.main(["-", "--lines"], out=out, source=io.StringIO(text)) == 0
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [answer["case"] for answer in answers] == [case["input"]["case"] for case in PUBLISHED]
    assert all(contained(case["expect"], answer) for case, answer in zip(PUBLISHED, answers, strict=True))
