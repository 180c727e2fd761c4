"""A period's facts and a price list's rules become charges, each with its derivation in words. Pure.

What rests on events comes first, then the minimum, discounts, and what is a percentage of other charges: fuel, environmental and franchise
fees, in this order whatever the order of the list. No charge counts itself, nor one that comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billing import rules
from billing.errors import CannotPrice
from billing.facts import Facts, Stay
from billing.fuel import FuelTable
from billing.money import Exact, minor_digits, rounded, told
from billing.proration import Period

KG = 1000  # a tonne
PIECE, TONNE, DAY = "C62", "TNE", "DAY"
QUANTITY_DIGITS = 6


@dataclass(frozen=True)
class Charge:
    """`amount` is rounded; `words` say how it came about, `inputs` what it was made of, `events` which visits.

    `quantity` of `unit` (UN/ECE Recommendation 20) at `unit_price` come to the amount; where they would not, it is one piece (or, as
    a credit, minus one) at the whole amount.
    """

    code: str
    title: str
    amount: Decimal
    rule: str
    words: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[str] = ()
    quantity: Decimal = Decimal(1)
    unit: str = PIECE
    unit_price: Decimal = Decimal(0)


@dataclass(frozen=True)
class Market:
    """What is published elsewhere: the fuel index for this period, by the code of the surcharge."""

    fuel: Mapping[str, Decimal] = field(default_factory=dict)


def charges(price_list: Sequence[Any], facts: Facts, currency: str, market: Market | None = None) -> list[Charge]:
    """All charges of a service's period that are not zero; rules of billing.rules. Raises CannotPrice."""
    till = Till(minor_digits(currency), currency, facts, market or Market())
    prove(price_list)
    for kind, make in ORDER.items():
        for rule in (each for each in price_list if isinstance(each, kind)):
            till.made += [each for each in make(rule, till) if each.amount]
    return till.made


@dataclass
class Till:
    """What rules look at: the facts, and what was charged so far."""

    digits: int
    currency: str
    facts: Facts
    market: Market
    made: list[Charge] = field(default_factory=list)

    def sum_of(self, codes: Iterable[str]) -> Decimal:
        wanted = set(codes)
        return sum((each.amount for each in self.made if each.code in wanted), Decimal())

    def charge(
        self, rule: Any, exact: Exact, words: str, *, suffix: str = "", events: Sequence[str] = (),
        each: tuple[Exact, str, Decimal] | None = None, **inputs: Any,
    ) -> Charge:  # fmt: skip
        """`each`: how many, of what unit, at which price, where the amount is that."""
        amount = rounded(exact, self.digits)
        shown = {name: told(value) if isinstance(value, Decimal) else str(value) for name, value in inputs.items()}
        quantity, unit, unit_price = self._measured(amount, each)
        return Charge(
            rule.code, f"{rule.title}{suffix}", amount, rule.rule, f"{words} = {told(amount)} {self.currency}", shown, tuple(events),
            quantity, unit, unit_price,
        )  # fmt: skip

    def _measured(self, amount: Decimal, each: tuple[Exact, str, Decimal] | None) -> tuple[Decimal, str, Decimal]:
        if each is not None:
            many, unit, price = each
            quantity = rounded(many, QUANTITY_DIGITS)
            if rounded(Fraction(quantity) * Fraction(price), self.digits) == amount:
                return quantity.normalize(), unit, price
        return Decimal(-1 if amount < 0 else 1), PIECE, abs(amount)

    def per_piece(self, rule: Any, many: int, what: str, events: Sequence[str]) -> list[Charge]:
        words, each = f"{many} {what} × {_n(rule.amount)}", (many, PIECE, rule.amount)
        made = self.charge(
            rule, many * rule.amount, words, events=events, each=each, quantity=many, unit_price=rule.amount
        )
        return [made]


def _base_fee(rule: rules.BaseFee, till: Till) -> list[Charge]:
    facts = till.facts
    part = facts.part.of(rule.amount, till.digits)
    words = f"{_n(rule.amount)} for {facts.part.words}"
    made = [till.charge(rule, part, words, amount=rule.amount, days=facts.part.days, of_days=facts.part.of_days)]
    if rule.credit_missed and facts.missed_by_us:
        missed = [visit.id for visit in facts.visits if visit.outcome == "missed_by_us" and not visit.extra]
        share = Fraction(made[0].amount) * facts.missed_by_us / facts.scheduled
        words = f"{facts.missed_by_us} of {facts.scheduled} visits missed by us: {_n(made[0].amount)} × {facts.missed_by_us} ÷ {facts.scheduled}"
        made.append(
            till.charge(
                rule, -share, words, suffix=", credit for missed visits", events=missed,
                amount=made[0].amount, missed=facts.missed_by_us, scheduled=facts.scheduled,
            )
        )  # fmt: skip
    return made


def _pick_up(rule: rules.PickUpFee, till: Till) -> list[Charge]:
    done = till.facts.done(extra=False)
    return till.per_piece(rule, sum(each.containers for each in done), "pick-ups", [each.id for each in done])


def _extra(rule: rules.ExtraFee, till: Till) -> list[Charge]:
    done = till.facts.done(extra=True)
    return till.per_piece(rule, sum(each.containers for each in done), "extra pick-ups", [each.id for each in done])


def _dry_run(rule: rules.DryRunFee, till: Till) -> list[Charge]:
    vain = till.facts.in_vain
    return till.per_piece(rule, len(vain), "visits in vain", [each.id for each in vain])


def _contamination(rule: rules.ContaminationFee, till: Till) -> list[Charge]:
    found = [visit for visit in till.facts.visits if visit.contaminated]
    return till.per_piece(rule, len(found), "contaminated loads", [each.id for each in found])


def _tonnage(rule: rules.TonnageFee, till: Till) -> list[Charge]:
    hauls = [(visit, max(Fraction(kg) / KG, Fraction(rule.minimum_t))) for visit, kg in till.facts.weighed]
    included = Fraction(rule.included_t)
    if rule.scope == "pooled":
        included *= till.facts.part.fraction
        billed = max(Fraction(), sum((tonnes for _, tonnes in hauls), Fraction()) - included)
        over, how = [visit.id for visit, _ in hauls], f"together {_t(included)} t included"
    else:
        extra = {visit.id: tonnes - included for visit, tonnes in hauls if tonnes > included}
        billed, over, how = sum(extra.values(), Fraction()), list(extra), f"{_t(included)} t included in each"
    words = f"{_t(billed)} t over ({len(hauls)} hauls, {how}) × {_n(rule.per_tonne)}"
    return [
        till.charge(
            rule, billed * Fraction(rule.per_tonne), words, events=over, each=(billed, TONNE, rule.per_tonne),
            tonnes=_t(billed), per_tonne=rule.per_tonne,
        )
    ]  # fmt: skip


def _overweight(rule: rules.OverweightFee, till: Till) -> list[Charge]:
    over = {
        visit.id: Fraction(kg) / KG - Fraction(rule.limit_t)
        for visit, kg in till.facts.weighed
        if Fraction(kg) / KG > rule.limit_t
    }
    tonnes = sum(over.values(), Fraction())
    exact = len(over) * Fraction(rule.amount) + tonnes * Fraction(rule.per_tonne)
    words = (
        f"{len(over)} hauls over {_n(rule.limit_t)} t × {_n(rule.amount)}, and {_t(tonnes)} t × {_n(rule.per_tonne)}"
    )
    return [
        till.charge(
            rule, exact, words, events=list(over), hauls=len(over), limit=rule.limit_t, amount=rule.amount, tonnes=_t(tonnes),
            per_tonne=rule.per_tonne,
        )
    ]  # fmt: skip


def _rental(rule: rules.Rental, till: Till) -> list[Charge]:
    days = sum(
        rented_days(stay, till.facts.period, first=rule.first_day, last=rule.last_day) for stay in till.facts.stays
    )
    words, each = f"{days} days × {_n(rule.per_day)}", (days, DAY, rule.per_day)
    return [till.charge(rule, days * rule.per_day, words, each=each, days=days, per_day=rule.per_day)]


def rented_days(stay: Stay, period: Period, *, first: bool, last: bool) -> int:
    """Of a stay, the days in the period that count. A container that comes and goes on one day counts it if either does."""
    begin = stay.delivered if first else stay.delivered + timedelta(days=1)
    if stay.removed is None:
        end = period.end
    elif stay.removed == stay.delivered:
        begin, end = stay.delivered, stay.delivered + timedelta(days=1 if first or last else 0)
    else:
        end = stay.removed + timedelta(days=1 if last else 0)
    return max(0, (min(end, period.end) - max(begin, period.start)).days)


def _minimum(rule: rules.Minimum, till: Till) -> list[Charge]:
    least = till.facts.part.of(rule.amount, till.digits)
    have = till.sum_of(rule.of)
    words = f"at least {_n(least)}; charged so far {_n(have)}"
    return [till.charge(rule, max(Decimal(), least - have), words, least=least, have=have)]


def _discount(rule: rules.Discount, till: Till) -> list[Charge]:
    have = max(Decimal(), till.sum_of(rule.of))
    if rule.percent is not None:
        words = f"{_n(rule.percent)} % off {_n(have)}"
        return [till.charge(rule, -_percent(rule.percent, have), words, percent=rule.percent, on=have)]
    off = min(rule.amount or Decimal(), have)
    return [till.charge(rule, -off, f"{_n(off)} off {_n(have)}", off=off, on=have)]


def _fuel(rule: rules.FuelSurcharge, till: Till) -> list[Charge]:
    index = till.market.fuel.get(rule.code)
    if index is None:
        raise CannotPrice(
            f"fuel.{rule.code}", f"No fuel index is published for {rule.title!r} in this period: enter it first."
        )
    table = FuelTable(rule.base, rule.step, rule.percent_per_step, rule.floor_percent, rule.cap_percent)
    percent, on = table.percent(index), till.sum_of(rule.of)
    words = f"index {_n(index)}, base {_n(rule.base)}: {_n(percent)} % of {_n(on)}"
    return [till.charge(rule, _percent(percent, on), words, index=index, percent=percent, on=on)]


def _environmental(rule: rules.EnvironmentalFee, till: Till) -> list[Charge]:
    on, part = till.sum_of(rule.of), till.facts.part
    share = Fraction(rounded(_percent(rule.percent, on), till.digits))  # by itself: a negative half goes down
    fixed = Fraction(part.of(rule.amount, till.digits))
    words = f"{_n(rule.percent)} % of {_n(on)}, and {_n(rule.amount)} for {part.words}"
    return [till.charge(rule, share + fixed, words, percent=rule.percent, on=on, amount=rule.amount)]


def _franchise(rule: rules.FranchiseFee, till: Till) -> list[Charge]:
    on, share = till.sum_of(rule.of), Fraction(rule.percent) / 100
    exact = Fraction(on) * (share / (1 - share) if rule.gross_up else share)
    how = (
        f"{_n(on)} × {_n(rule.percent)} ÷ {_n(100 - rule.percent)}"
        if rule.gross_up
        else f"{_n(rule.percent)} % of {_n(on)}"
    )
    return [till.charge(rule, exact, how, percent=rule.percent, on=on)]


Make = Callable[[Any, Till], list[Charge]]
ORDER: dict[type, Make] = {
    rules.BaseFee: _base_fee,
    rules.PickUpFee: _pick_up,
    rules.ExtraFee: _extra,
    rules.DryRunFee: _dry_run,
    rules.ContaminationFee: _contamination,
    rules.TonnageFee: _tonnage,
    rules.OverweightFee: _overweight,
    rules.Rental: _rental,
    rules.Minimum: _minimum,
    rules.Discount: _discount,
    rules.FuelSurcharge: _fuel,
    rules.EnvironmentalFee: _environmental,
    rules.FranchiseFee: _franchise,
}
STAGE = {kind: place for place, kind in enumerate(ORDER)}


def prove(price_list: Sequence[Any]) -> None:
    """A rule counts charges that are on the list and come before it; no code is there twice. Raises CannotPrice."""
    stages: dict[str, int] = {}
    for place, rule in enumerate(price_list):
        if rule.code in stages:
            raise CannotPrice(f"rules.{place}.code", f"The code {rule.code!r} is there twice.")
        stages[rule.code] = STAGE[type(rule)]
    for place, rule in enumerate(price_list):
        for code in getattr(rule, "of", ()):
            if code not in stages:
                raise CannotPrice(f"rules.{place}.of", f"There is no charge {code!r} on this list.")
            if stages[code] >= STAGE[type(rule)]:
                raise CannotPrice(
                    f"rules.{place}.of", f"{rule.code!r} cannot count {code!r}, which is worked out after it."
                )


def _percent(percent: Decimal, on: Decimal) -> Fraction:
    return Fraction(percent) * Fraction(on) / 100


def _n(number: Decimal) -> str:
    """A number as it is read: without idle zeros behind the second decimal."""
    short = rounded(number, 2)
    return told(short) if short == number else f"{number.normalize():f}"


def _t(tonnes: Fraction) -> str:
    return _n(rounded(tonnes, 6))
