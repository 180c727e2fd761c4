"""From rated lines to a document's figures: whose tax, which coupons, at which rate of exchange, owed by whom."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.drafting import Coupon, Figures, Late, Payer, Work, draft, prove_one_mode
from billing.errors import CannotPrice
from billing.facts import Visit
from billing.proration import Period
from billing.published import Published, Rate
from billing.rating import Billed, Served, Terms
from billing.serving import Span
from billing.tax import Tax

from .test_rating import EVER, MARCH, cut, rules

JANUARY = date(2026, 1, 1)
BASE = {"rule": "base_fee", "amount": "100"}
TWENTY = Rate(Span(JANUARY), Tax("S", Decimal(20)))
RATES = Published(taxes={("AT", "standard"): [TWENTY]})


def work(*listed: dict[str, Any], **over: Any) -> Work:
    service = Served("S", EVER, cut((JANUARY, rules(*(listed or (BASE,))))), over.pop("visits", ()))
    given: dict[str, Any] = {
        "contract": "K", "period": MARCH, "span": EVER, "terms": Terms("EUR"), "mode": "exclusive", "rounding": "document",
        "jurisdiction": "AT", "payer": Payer(), "services": [service], "home": "EUR",
    }  # fmt: skip
    return Work(**given | over)


def drafted(given: Work, published: Published = RATES) -> Figures:
    found = draft(given, published)
    assert found is not None
    return found


def coupon(amount: str, code: str = "C", since: date = JANUARY, until: date | None = None) -> Coupon:
    return Coupon(code, "Welcome", Decimal(amount), Span(since, until))


def test_a_line_is_taxed_and_bears_its_part() -> None:
    found = drafted(work())
    assert (found.kind, found.net, found.tax, found.gross, found.tax_point) == (
        "invoice", Decimal(100), Decimal(20), Decimal(120), date(2026, 3, 31),
    )  # fmt: skip
    assert [(each.net, each.tax, each.rate) for each in found.lines] == [(100, 20, Tax("S", Decimal(20)))]


@pytest.mark.parametrize(
    ("payer", "category", "tax", "reason"),
    [
        (Payer("reverse_charge"), "AE", "0", "Reverse charge"),
        (Payer("exempt", "School"), "E", "0", "School"),
        (Payer("exempt", "School", date(2026, 4, 1)), "E", "0", "School"),
        (Payer("exempt", "School", date(2026, 3, 31)), "S", "20", ""),
        (Payer("zero"), "Z", "0", ""),
    ],
)
def test_the_customers_papers_decide_the_tax(payer: Payer, category: str, tax: str, reason: str) -> None:
    found = drafted(work(payer=payer))
    (group,) = found.groups
    assert (group.rate.category, group.tax, group.reason) == (category, Decimal(tax), reason)


def test_the_rate_is_that_of_the_last_day_that_is_served() -> None:
    ten = Rate(Span(JANUARY, date(2026, 3, 20)), Tax("S", Decimal(10)))
    rates = Published(taxes={("AT", "standard"): [ten, Rate(Span(date(2026, 3, 20)), Tax("S", Decimal(20)))]})
    assert drafted(work(), rates).tax == 20
    ended = drafted(work(span=Span(JANUARY, date(2026, 3, 20))), rates)
    assert (ended.tax_point, ended.tax) == (date(2026, 3, 19), 10)


def test_without_a_rate_of_tax_or_exchange_nothing_is_drafted() -> None:
    with pytest.raises(CannotPrice, match="No standard tax rate of AT is in force on 2026-03-31"):
        draft(work(), Published())
    with pytest.raises(CannotPrice, match="No rate of EUR in CHF was published by 2026-03-31"):
        draft(work(home="CHF"), RATES)


def test_the_rate_of_exchange_is_the_last_one_by_the_tax_point() -> None:
    series = [
        (date(2026, 3, 2), Decimal("0.95")),
        (date(2026, 3, 31), Decimal("0.94")),
        (date(2026, 4, 1), Decimal("0.9")),
    ]
    found = drafted(work(home="CHF"), Published(taxes=RATES.taxes, exchange={("EUR", "CHF"): series}))
    assert found.exchange is not None
    assert (found.exchange.currency, found.exchange.rate, found.exchange.on) == (
        "CHF",
        Decimal("0.94"),
        date(2026, 3, 31),
    )


def test_the_fuel_index_is_the_last_one_by_the_periods_first_day() -> None:
    fuel = {"rule": "fuel", "base": "1", "step": "0.1", "percent_per_step": "1", "of": ["base_fee"]}
    series = [(date(2026, 2, 1), Decimal("1.5")), (date(2026, 3, 1), Decimal("1.3")), (date(2026, 3, 2), Decimal("9"))]
    found = drafted(work(BASE, fuel), Published(taxes=RATES.taxes, fuel={"fuel": series}))
    assert [each.amount for each in found.lines] == [100, 3]


def test_coupons_are_spread_in_the_order_of_their_codes_while_they_fit() -> None:
    coupons = [coupon("70", "B"), coupon("40", "A"), coupon("60", "C")]
    found = drafted(work(coupons=coupons))
    assert found.coupons == ("A", "C") and [each.amount for each in found.allowances] == [40, 60]
    assert (found.net, found.tax, found.gross) == (0, 0, 0)


@pytest.mark.parametrize(
    "given", [coupon("5", since=date(2026, 3, 2)), coupon("5", until=date(2026, 3, 1)), coupon("100.01")]
)
def test_a_coupon_that_is_not_valid_or_too_large_waits(given: Coupon) -> None:
    assert drafted(work(coupons=[given])).coupons == ()


def test_no_coupon_is_spread_over_a_credit() -> None:
    visits = [Visit("v", date(2026, 3, 2), outcome="missed_by_us"), Visit("w", date(2026, 3, 9))]
    found = drafted(work(visits=visits, coupons=[coupon("5")]))
    assert [each.amount for each in found.lines] == [100, -50] and found.coupons == ()


def test_each_part_of_a_coupon_is_taxed_as_its_line() -> None:
    reduced = Rate(Span(JANUARY), Tax("S", Decimal(10)))
    rates = Published(taxes={**RATES.taxes, ("AT", "reduced"): [reduced]})
    services = [
        Served("A", EVER, cut((JANUARY, rules(BASE)))),
        Served("B", EVER, cut((JANUARY, rules({**BASE, "amount": "200"}))), tax_class="reduced"),
    ]
    found = drafted(work(services=services, coupons=[coupon("30")]), rates)
    assert [(each.amount, each.rate.rate) for each in found.allowances] == [(10, 20), (20, 10)]
    assert [(each.rate.rate, each.base, each.tax) for each in found.groups] == [(20, 90, 18), (10, 180, 18)]


def test_by_line_the_tax_is_that_of_what_coupons_leave_of_the_line() -> None:
    """20 % of 0.34 is 0.07, of 0.32 and of 0.30 it is 0.06; of two coupons of 0.02 by themselves it would be nothing."""
    given = work({**BASE, "amount": "0.34"}, rounding="line", coupons=[coupon("0.02", "A"), coupon("0.02", "B")])
    found = drafted(given)
    assert (found.net, found.tax) == (Decimal("0.30"), Decimal("0.06")) and found.lines[0].tax == Decimal("0.07")


def test_what_comes_to_less_than_nothing_is_a_credit_note_with_its_signs_turned() -> None:
    late = Late(
        "S",
        Period(date(2026, 2, 1), date(2026, 3, 1)),
        {"x"},
        [Billed("base_fee", "Base fee", "base_fee", Decimal(400))],
    )
    found = drafted(work(late=[late]))
    assert (found.kind, found.net, found.tax, found.gross) == ("credit_note", 200, 40, 240)
    assert [(each.amount, each.quantity, each.net, each.tax) for each in found.lines] == [
        (-100, -1, -100, -20),
        (300, 1, 300, 60),
    ]
    assert [(each.base, each.tax) for each in found.groups] == [(200, 40)]


def test_prices_with_tax_in_them_make_net_and_tax_that_sum() -> None:
    found = drafted(work({**BASE, "amount": "99.99"}, mode="inclusive"))
    assert (found.net, found.tax, found.gross) == (Decimal("83.32"), Decimal("16.67"), Decimal("99.99"))
    assert sum(each.net + each.tax for each in found.lines) == found.gross


def test_there_is_nothing_to_bill_without_a_charge() -> None:
    assert draft(work({"rule": "pick_up", "amount": "5"}), RATES) is None


def test_price_lists_of_a_contract_have_its_currency_and_one_mode() -> None:
    prove_one_mode("K", {("EUR", "exclusive")}, "EUR")
    with pytest.raises(CannotPrice, match="some with tax in them and some without"):
        prove_one_mode("K", {("EUR", "exclusive"), ("EUR", "inclusive")}, "EUR")
    with pytest.raises(CannotPrice, match="billed in EUR, and one of its price lists is in CHF"):
        prove_one_mode("K", {("CHF", "exclusive")}, "EUR")
