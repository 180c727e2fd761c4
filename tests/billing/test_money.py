"""Rounding, spreading, tax and days: what must hold for every amount."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from billing.document import Adjustment, Draft, Line, price
from billing.money import rounded, spread, told
from billing.proration import Period, rest_from, served
from billing.tax import Tax, by_document, by_line, groups, tax_on

MONEY = st.decimals(-(10**9), 10**9, places=2)
PAID = st.decimals(0, 10**6, places=2)
RATES = st.sampled_from(
    [Tax("S", Decimal(rate)) for rate in ("20", "10", "5.5", "0.1", "99.9")] + [Tax("Z", Decimal(0))]
)
MODES = st.sampled_from(["exclusive", "inclusive"])
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))
UTC = ZoneInfo("UTC")


@given(st.decimals(-(10**12), 10**12, places=6), st.integers(0, 4))
def test_rounding_is_the_librarys_half_up(amount: Decimal, digits: int) -> None:
    assert rounded(amount, digits) == amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


@given(st.fractions(), st.integers(0, 4))
def test_rounding_is_never_more_than_half_a_unit_off_and_minds_no_sign(amount: Fraction, digits: int) -> None:
    assert abs(Fraction(rounded(amount, digits)) - amount) * 10**digits <= Fraction(1, 2)
    assert Fraction(rounded(-amount, digits)) == -Fraction(rounded(amount, digits))


@given(MONEY, st.lists(PAID, min_size=1, max_size=20).filter(any))
def test_parts_sum_to_the_whole_and_each_is_within_a_cent_of_its_share(total: Decimal, weights: list[Decimal]) -> None:
    parts = spread(total, weights, 2)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(part) - Fraction(total) * Fraction(weight) / Fraction(sum(weights))) < Fraction(1, 100)


@given(st.lists(st.tuples(RATES, MONEY), min_size=1, max_size=15), MODES)
def test_lines_sum_to_their_groups_and_net_and_tax_to_what_is_paid(
    given_: list[tuple[Tax, Decimal]], mode: str
) -> None:
    for taxed in (by_line(given_, mode, 2), by_document(given_, mode, 2)):  # type: ignore[arg-type]
        found = groups(taxed)
        assert sum(each.base for each in found) == sum(each.net for each in taxed)
        assert sum(each.tax for each in found) == sum(each.tax for each in taxed)
        for each in taxed:
            assert each.net + each.tax == (each.amount if mode == "inclusive" else each.amount + each.tax)


@given(st.lists(st.tuples(RATES, MONEY, MONEY), min_size=1, max_size=15), MODES)
def test_by_line_what_is_taken_off_a_line_is_rounded_with_it(
    given_: list[tuple[Tax, Decimal, Decimal]], mode: str
) -> None:
    amounts = [(rate, amount) for rate, line, off in given_ for amount in (line, -off)]
    taxed = by_line(amounts, mode, 2, [n // 2 for n in range(len(amounts))])  # type: ignore[arg-type]
    for (rate, line, off), own, its_off in zip(given_, taxed[::2], taxed[1::2], strict=True):
        assert own.tax == tax_on(line, rate.rate, mode, 2)  # type: ignore[arg-type]
        assert own.tax + its_off.tax == tax_on(line - off, rate.rate, mode, 2)  # type: ignore[arg-type]


@given(st.lists(st.tuples(RATES, MONEY), min_size=1, max_size=15), MODES)
def test_by_document_a_groups_tax_is_rounded_once(given_: list[tuple[Tax, Decimal]], mode: str) -> None:
    for group in groups(by_document(given_, mode, 2)):  # type: ignore[arg-type]
        whole = sum((amount for rate, amount in given_ if rate == group.rate), Decimal())
        if any(amount for rate, amount in given_ if rate == group.rate):
            assert group.tax == tax_on(whole, group.rate.rate, mode, 2)  # type: ignore[arg-type]


@given(st.lists(st.tuples(PAID, RATES), min_size=1, max_size=8), PAID, MODES)
def test_a_document_adds_up_and_a_coupon_takes_off_what_it_says(
    lines: list[tuple[Decimal, Tax]], coupon: Decimal, mode: str
) -> None:
    most = sum((amount for amount, _ in lines), Decimal())
    made = [Line(str(n), Decimal(1), amount, tax) for n, (amount, tax) in enumerate(lines)]
    draft = Draft("EUR", made, mode, coupon=min(coupon, most))  # type: ignore[arg-type]
    priced = price(draft)
    assert priced.net + priced.tax == priced.gross == priced.due
    assert (
        sum((net for _, net in priced.lines), Decimal()) + sum((net for _, net in priced.adjustments), Decimal())
        == priced.net
    )
    if mode == "inclusive":
        assert priced.gross == most - min(coupon, most)
    else:
        assert priced.net == most - min(coupon, most)
    assert all(isinstance(each, Adjustment) for each, _ in priced.adjustments)


@given(DAYS, st.integers(1, 400), st.integers(0, 400))
def test_two_parts_of_a_period_are_the_period(start: date, length: int, at: int) -> None:
    period = Period(start, start + timedelta(days=length))
    split = start + timedelta(days=min(at, length))
    first, second = served(period, None, split, UTC), served(period, split, None, UTC)
    assert first.days + second.days == length and second == rest_from(period, split, UTC)
    assert first.fraction + second.fraction == 1


@given(DAYS, st.integers(1, 400), st.integers(0, 400), MONEY)
def test_a_change_at_equal_prices_costs_nothing(start: date, length: int, at: int, amount: Decimal) -> None:
    period = Period(start, start + timedelta(days=length))
    rest = rest_from(period, start + timedelta(days=min(at, length)), UTC)
    assert -rest.of(amount, 2) + rest.of(amount, 2) == 0
    assert abs(rest.of(amount, 2)) <= abs(amount)


def test_zero_has_no_sign_and_nothing_is_told_in_exponents() -> None:
    assert told(Decimal("-0.00")) == "0.00" and told(Decimal("1E+3")) == "1000"
