"""A contract's period becomes a document's figures: rated lines, tax by the tax point, coupons, the rate of exchange. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from billing import document
from billing.errors import CannotPrice
from billing.money import minor_digits, spread
from billing.proration import Period
from billing.published import Exchange, Published, Rate
from billing.rating import Billed, Rated, Served, Terms, late, rate
from billing.serving import Span
from billing.tax import Mode, Rounding, Tax

Treatment = Literal["standard", "reverse_charge", "exempt", "zero"]


@dataclass(frozen=True)
class Payer:
    """How a customer is taxed, by its papers."""

    treatment: Treatment = "standard"
    exemption_reason: str = ""
    exempt_until: date | None = None


@dataclass(frozen=True)
class Coupon:
    """So much off one document; it counts where it is valid on the period's first day."""

    code: str
    title: str
    amount: Decimal
    valid: Span


@dataclass(frozen=True)
class Late:
    """An earlier period of a service that has visits on no document yet (`events`), and what documents say of it so far."""

    service: str
    period: Period
    events: Collection[str]
    billed: Sequence[Billed] = ()


@dataclass(frozen=True)
class Work:
    """All that a document is made of. `services` in the order of their codes, `late` in that of services and periods."""

    contract: str
    period: Period
    span: Span  # of the contract
    terms: Terms
    mode: Mode
    rounding: Rounding
    jurisdiction: str
    payer: Payer
    services: Sequence[Served]
    late: Sequence[Late] = ()
    coupons: Sequence[Coupon] = ()
    home: str = ""  # the seller's currency


@dataclass(frozen=True)
class Line:
    """`amount` as the document's tax mode says; `net` without, and `tax` its part of the tax."""

    rated: Rated
    quantity: Decimal
    amount: Decimal
    net: Decimal
    tax: Decimal
    rate: Tax


@dataclass(frozen=True)
class Allowance:
    """A part of a coupon, off one line."""

    coupon: str
    reason: str
    amount: Decimal
    net: Decimal
    rate: Tax


@dataclass(frozen=True)
class Group:
    rate: Tax
    base: Decimal
    tax: Decimal
    reason: str


@dataclass(frozen=True)
class Figures:
    """A document, as yet without number or dates. Of a credit note all signs are turned: what is owed to the customer is positive."""

    kind: Literal["invoice", "credit_note"]
    lines: Sequence[Line]
    allowances: Sequence[Allowance]
    groups: Sequence[Group]
    net: Decimal
    tax: Decimal
    gross: Decimal
    tax_point: date
    coupons: Sequence[str]
    exchange: Exchange | None = None


def draft(work: Work, published: Published) -> Figures | None:
    """None: there is nothing to bill. Raises CannotPrice."""
    rated = _rated(work, published)
    if not rated:
        return None
    tax_point = _tax_point(work)
    rates = {each.tax_class: _rate(work, published, each.tax_class, tax_point) for each in rated}
    amounts, digits = [each.charge.amount for each in rated], minor_digits(work.terms.currency)
    parts = _coupons(work, amounts, digits)
    priced = document.price(
        document.Draft(
            work.terms.currency,
            [document.Line(str(n), Decimal(1), each.charge.amount, rates[each.tax_class].tax) for n, each in enumerate(rated)],
            work.mode, work.rounding,
            [document.Adjustment("allowance", part, rates[rated[n].tax_class].tax, n) for _, n, part in parts],
        )
    )  # fmt: skip
    figures = Figures(
        "invoice",
        [
            Line(each, each.charge.quantity, each.charge.amount, net, tax, rates[each.tax_class].tax)
            for each, (_, net), tax in zip(rated, priced.lines, priced.line_taxes, strict=True)
        ],
        [
            Allowance(coupon.code, coupon.title, part, -net, rates[rated[n].tax_class].tax)
            for (coupon, n, part), (_, net) in zip(parts, priced.adjustments, strict=True)
        ],
        [Group(each.rate, each.base, each.tax, _reason(each.rate, rates)) for each in priced.tax_groups],
        priced.net, priced.tax, priced.gross, tax_point, tuple(dict.fromkeys(coupon.code for coupon, _, _ in parts)),
        _exchange(work, published, tax_point),
    )  # fmt: skip
    return _turned(figures) if figures.gross < 0 else figures


def _rated(work: Work, published: Published) -> list[Rated]:
    market = published.market(work.period.start)
    found = [each for service in work.services for each in rate(service, work.period, work.terms, market)]
    by_code = {service.code: service for service in work.services}
    for one in work.late:
        market = published.market(one.period.start)
        found += late(
            by_code[one.service], one.period, work.terms, market, billed=one.billed, events=one.events
        )  # fmt: skip
    return found


def _tax_point(work: Work) -> date:
    """The last day of the period, or the contract's last one if that is earlier."""
    end = work.period.end if work.span.end is None else min(work.span.end, work.period.end)
    return end - timedelta(days=1)


def _rate(work: Work, published: Published, tax_class: str, day: date) -> Rate:
    payer, always = work.payer, Span(date.min)
    if payer.treatment == "reverse_charge":
        return Rate(always, Tax("AE", Decimal(0)), "Reverse charge")
    if payer.treatment == "exempt" and (payer.exempt_until is None or day < payer.exempt_until):
        return Rate(always, Tax("E", Decimal(0)), payer.exemption_reason)
    if payer.treatment == "zero":
        return Rate(always, Tax("Z", Decimal(0)))
    return published.tax(work.jurisdiction, tax_class, day)


def _coupons(work: Work, amounts: Sequence[Decimal], digits: int) -> list[tuple[Coupon, int, Decimal]]:
    """The coupons that count, in the order of their codes, each in parts: which coupon, off which line, how much."""
    left, parts = sum(amounts, Decimal()), []
    for coupon in sorted(work.coupons, key=lambda each: each.code):
        if work.period.start in coupon.valid and min(amounts) >= 0 and 0 < coupon.amount <= left:
            left -= coupon.amount
            shares = spread(coupon.amount, amounts, digits)
            parts += [(coupon, n, share) for n, share in enumerate(shares) if share]
    return parts


def _reason(rate: Tax, rates: Mapping[str, Rate]) -> str:
    return next((each.reason for each in rates.values() if each.tax == rate), "")


def _exchange(work: Work, published: Published, day: date) -> Exchange | None:
    if not work.home or work.home == work.terms.currency:
        return None
    return published.rate_of_exchange(work.terms.currency, work.home, day)


def _turned(figures: Figures) -> Figures:
    return replace(
        figures, kind="credit_note",
        lines=[replace(each, quantity=-each.quantity, amount=-each.amount, net=-each.net, tax=-each.tax) for each in figures.lines],
        allowances=[replace(each, amount=-each.amount, net=-each.net) for each in figures.allowances],
        groups=[replace(each, base=-each.base, tax=-each.tax) for each in figures.groups],
        net=-figures.net, tax=-figures.tax, gross=-figures.gross,
    )  # fmt: skip


def prove_one_mode(contract: str, modes: Collection[tuple[str, str]], currency: str) -> None:
    """`modes`: currency and tax mode of each of its price lists. Raises CannotPrice where they differ from each other or the contract."""
    if len({mode for _, mode in modes}) > 1:
        raise CannotPrice(
            f"contracts.{contract}", "Its price lists are some with tax in them and some without: use one kind."
        )
    for found, _ in modes:
        if found != currency:
            raise CannotPrice(
                f"contracts.{contract}", f"It is billed in {currency}, and one of its price lists is in {found}."
            )
