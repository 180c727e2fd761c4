"""Claims about credit notes in parts, over invoices as billing.document prices them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import crediting, tax
from billing.credit_parts import NOTHING, Item, Sums, total
from billing.crediting import Invoice
from billing.errors import CannotSettle
from billing.tax import Tax

FULL, REDUCED, NONE = Tax("S", Decimal(20)), Tax("S", Decimal("5.5")), Tax("Z", Decimal(0))


def priced(
    lines: list[tuple[Tax, int]],
    mode: tax.Mode = "exclusive",
    rounding: tax.Rounding = "document",
    of: list[int] | None = None,
) -> Invoice:
    """`of`: which line each is of, where tax is rounded by line."""
    given = [(t, Decimal(a)) for t, a in lines]
    taxed = tax.by_line(given, mode, 0, of) if rounding == "line" else tax.by_document(given, mode, 0)
    items = [
        Item(str(n), each.rate, Sums(int(each.amount), int(each.net), int(each.tax))) for n, each in enumerate(taxed, 1)
    ]
    return Invoice(items, mode, rounding, "EUR")


def after(invoice: Invoice, credited: dict[str, Sums]) -> Invoice:
    items = [Item(i.key, i.tax, i.whole, i.done.plus(credited.get(i.key, NOTHING))) for i in invoice.items]
    return Invoice(items, invoice.mode, invoice.rounding, invoice.currency)


def groups(invoice: Invoice) -> dict[Tax, Sums]:
    return {rate: total(i.left for i in items) for rate, items in invoice.groups().items()}


@st.composite
def invoices(draw: st.DrawFn) -> Invoice:
    amounts = st.integers(-3_000, 20_000).filter(bool)
    lines = draw(st.lists(st.tuples(st.sampled_from([FULL, REDUCED, NONE]), amounts), min_size=1, max_size=6))
    of = list(range(len(lines)))
    for place in draw(st.lists(st.sampled_from(of), max_size=4)):  # a coupon's parts
        rate, amount = lines[place]
        left = amount + sum(lines[n][1] for n in range(len(of)) if n != place and of[n] == place)
        if left > 1:
            lines.append((rate, -draw(st.integers(1, left - 1))))
            of.append(place)
    mode, rounding = draw(st.sampled_from(["exclusive", "inclusive"])), draw(st.sampled_from(["document", "line"]))
    made = priced(lines, mode, rounding, of)  # type: ignore[arg-type]
    return made if made.left.gross > 0 else priced([(FULL, 10_000)])


@given(invoices(), st.data())
def test_an_invoice_credited_in_parts_is_credited_to_the_cent_and_never_above(invoice: Invoice, data: Any) -> None:
    left = invoice
    for _ in range(data.draw(st.integers(0, 6), "parts")):
        before = groups(left)
        try:
            if data.draw(st.booleans(), "by gross"):
                asked = data.draw(st.integers(1, max(left.left.gross, 1)), "gross")
                made = crediting.of_gross(left, asked)
                assert total(made.values()).gross == asked
            else:
                some = data.draw(st.lists(st.sampled_from(left.items), min_size=1, unique_by=lambda i: i.key), "items")
                wanted = {i.key: data.draw(st.integers(*sorted((0, i.left.amount)))) for i in some}
                made = crediting.of_items(left, wanted)
                assert all(made[key].amount == amount for key, amount in wanted.items() if made.get(key))
        except CannotSettle:
            continue
        left = after(left, made)
        assert all(sums.gross == sums.net + sums.tax for sums in made.values())
        assert all(s.amount == (s.net if invoice.mode == "exclusive" else s.gross) for s in made.values())
        for rate, now in groups(left).items():
            assert abs(now.net) <= abs(before[rate].net), "never above what is left of a group"
            assert abs(now.tax) <= abs(before[rate].tax)
            assert now.net * before[rate].net >= 0
            assert now.tax * before[rate].tax >= 0
        assert 0 <= left.left.gross < invoice.left.gross
    if left.left.gross > 0:
        left = after(left, crediting.everything(left))
    assert all(tuple(s) == (0, 0, 0) for s in groups(left).values()), "in parts, it sums to the invoice by tax group"
    assert left.left.gross == 0


@given(invoices())
def test_a_credit_of_everything_mirrors_the_invoice(invoice: Invoice) -> None:
    assert crediting.everything(invoice) == {i.key: i.whole for i in invoice.items if i.whole.amount}


@given(invoices(), st.integers(1, 100))
def test_the_tax_of_a_first_credit_is_rounded_half_up_once_a_group(invoice: Invoice, percent: int) -> None:
    if invoice.rounding == "line":
        return
    gross = invoice.left.gross * percent // 100
    if not 0 < gross < invoice.left.gross:
        return
    try:
        made = crediting.of_gross(invoice, gross)
    except CannotSettle:
        return
    for rate, items in invoice.groups().items():
        now = total(made[i.key] for i in items if i.key in made)
        assert now.tax == int(tax.tax_on(Decimal(now.gross), rate.rate, "inclusive", 0))


def test_a_line_is_not_credited_twice() -> None:
    invoice = priced([(FULL, 100_00), (FULL, 50_00)])
    left = after(invoice, crediting.of_items(invoice, {"1": None}))
    with pytest.raises(CannotSettle, match=r"Of line 1 0\.00 EUR is left to credit"):
        crediting.of_items(left, {"1": None})


def test_a_line_is_not_credited_above_what_its_discount_left() -> None:
    invoice = priced([(FULL, 100_00), (FULL, -10_00), (NONE, 50_00)])
    with pytest.raises(
        CannotSettle, match=r"S 20 % there is 90\.00 EUR left \(net\), and this would credit 100\.00 EUR"
    ):
        crediting.of_items(invoice, {"1": None})
    assert total(crediting.of_items(invoice, {"1": None, "2": None}).values()) == Sums(90_00, 90_00, 18_00)


@pytest.mark.parametrize("gross", [0, -1, 120_01])
def test_an_amount_that_is_not_left_is_refused(gross: int) -> None:
    with pytest.raises(CannotSettle, match=r"120\.00 EUR is left to credit"):
        crediting.of_gross(priced([(FULL, 100_00)]), gross)


def test_thirds_of_an_invoice_sum_to_it() -> None:
    invoice = priced([(FULL, 100_00)])
    parts = []
    for gross in (40_00, 40_00, 40_00):
        made = crediting.of_gross(invoice, gross)
        parts.append(total(made.values()))
        invoice = after(invoice, made)
    assert [(each.net, each.tax) for each in parts] == [(33_33, 6_67), (33_34, 6_66), (33_33, 6_67)]
