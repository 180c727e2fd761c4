"""Half up everywhere, and in one place only: billing/money.py. Whoever rounds elsewhere is found by reading the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import rounded, spread
from tests.oracles import billing_oracle as oracle

BILLING = Path(__file__).parents[2] / "billing"
ONE_PLACE = {BILLING / "money.py"}
DRAWN = {
    *BILLING.glob("paper/pdf/*.py"),
    BILLING / "admin/charts.py",
    BILLING / "admin/bars.py",
}  # places on a page, no amounts
CALLS = {"round", "float", "quantize", "to_integral", "to_integral_value", "to_integral_exact"}
NAMES = re.compile(r"ROUND_[A-Z_]+|floor|ceil|trunc|fsum|FloatField|setcontext")
SECONDS = re.compile(r"\b\w+_[sS]\b")  # a time limit is no amount


def roundings(source: str) -> Iterator[str]:
    """Each place that rounds, or that makes a float, but for seconds, and for what is only asked whether it is whole (x != round(x))."""
    tree = ast.parse(source)
    asked = {
        operand
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        for operand in node.comparators
    }
    for statement in ast.walk(tree):
        if not isinstance(statement, ast.stmt) or isinstance(statement, ast.FunctionDef | ast.ClassDef):
            continue
        told = ast.unparse(statement)
        for node in ast.walk(statement):
            if node in asked:
                continue
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in CALLS or NAMES.fullmatch(name):
                    yield f"{statement.lineno}: {name}"
            elif isinstance(node, ast.Name | ast.alias | ast.Attribute):
                name = getattr(node, "id", getattr(node, "name", getattr(node, "attr", "")))
                if NAMES.fullmatch(name):
                    yield f"{statement.lineno}: {name}"
            elif isinstance(node, ast.Constant) and isinstance(node.value, float) and not SECONDS.search(told):
                yield f"{statement.lineno}: {node.value}"


def test_nothing_in_billing_rounds_but_money() -> None:
    """The made-up hauler's prices (samples) are nobody's figures."""
    files = set(BILLING.rglob("*.py")) - set(BILLING.glob("migrations/*")) - set(BILLING.glob("samples/*"))
    assert len(files) > 30
    found = {
        str(path.relative_to(BILLING)): sorted(set(roundings(path.read_text())))
        for path in sorted(files - ONE_PLACE - DRAWN)
    }
    assert {path: places for path, places in found.items() if places} == {}


@pytest.mark.parametrize(
    "planted",
    [
        "x = round(y, 2)", "x = float(y)", "x = y.quantize(Decimal('0.01'))", "from decimal import ROUND_HALF_EVEN", "x = math.floor(y)", "x = y * 1.2",
        "def f():\n    return y.to_integral_value()", "class M:\n    a = models.FloatField()", "if decimal.ROUND_DOWN: pass",
    ],
)  # fmt: skip
def test_one_that_is_planted_is_found(planted: str) -> None:
    assert list(roundings(planted))


def test_seconds_and_percentages_in_text_are_no_finding() -> None:
    assert list(roundings("if x != round(x, 2): pass\nif y == y.to_integral_value(): pass")) == []
    assert list(roundings("timeout_s = 0.5\nx = f'{y:.2f} of 1.5 %'\nz = rounded(y, 2)")) == []


AMOUNTS = st.fractions(min_value=-(10**12), max_value=10**12, max_denominator=10**6)
HALVES = st.integers(-(10**12), 10**12).map(lambda n: Fraction(2 * n + 1, 2))


@given(amount=AMOUNTS | HALVES.map(lambda half: half / 100), digits=st.sampled_from([0, 2, 3]))
def test_money_decimal_and_the_oracle_round_alike(amount: Fraction, digits: int) -> None:
    found = rounded(amount, digits)
    assert found == Decimal(oracle.half_up(amount * 10**digits)).scaleb(-digits)
    if amount.denominator % 3 and (10**12 * amount).denominator == 1:  # a decimal can say it exactly
        with localcontext(prec=60):
            exact = Decimal(amount.numerator) / Decimal(amount.denominator)
            assert found == exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


@given(half=HALVES)
def test_a_half_goes_away_from_zero_whatever_its_sign(half: Fraction) -> None:
    assert abs(rounded(half, 0)) == abs(half) + Fraction(1, 2) and rounded(-half, 0) == -rounded(half, 0)


@given(total=st.integers(0, 10**9), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_what_is_spread_sums_to_the_whole_here_and_in_the_oracle(total: int, weights: list[int]) -> None:
    parts = [int(part) for part in spread(Decimal(total), weights, 0)]
    assert sum(parts) == total and parts == oracle.spread(total, weights)
    assert all(
        abs(part - Fraction(total * weight, sum(weights))) < 1 for part, weight in zip(parts, weights, strict=True)
    )
