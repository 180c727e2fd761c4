"""The sample's price lists: each kind of rule, exclusive and inclusive prices, changes in the midst of a month. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from billing.interchange.prices import RULES, PriceListRow, PriceVersionRow
from billing.interchange.row import Row
from billing.money import minor_digits, rounded
from billing.samples.calendar import Months
from billing.samples.chance import Chance
from billing.samples.markets import MARKETS, Market
from billing.tax import Mode

ALWAYS: frozenset[Mode] = frozenset({"exclusive", "inclusive"})
CHANGES = {"none": 60, "mid": 20, "first": 12, "before": 8}


@dataclass(frozen=True)
class Tariff:
    """What a kind of service costs, in euros; `modes`: with which prices there are lists of it."""

    title: str
    rules: tuple[dict[str, Any], ...]
    tax_class: str = "standard"
    modes: frozenset[Mode] = frozenset({"exclusive"})


def _rule(rule: str, code: str, title: str, **more: Any) -> dict[str, Any]:
    return {"rule": rule, "code": code, "title": title, **more}


BASE = _rule("base_fee", "base", "Base fee", amount="18.50")
PICK_UP = _rule("pick_up", "pick_up", "Pick-up", amount="9.80")
EXTRA = _rule("extra", "extra", "Extra pick-up", amount="16.40")
DRY_RUN = _rule("dry_run", "dry_run", "Visit in vain", amount="22.00")
DIRTY = _rule("contamination", "contamination", "Contaminated load", amount="45.00")
FUEL = _rule(
    "fuel", "fuel", "Fuel surcharge", base="1.400", step="0.050", percent_per_step="0.75", floor_percent="0.5", cap_percent="6",
    of=["pick_up", "extra"],
)  # fmt: skip
TARIFFS: dict[str, Tariff] = {
    "household": Tariff(
        "Household bins", (BASE, PICK_UP, EXTRA, _rule("environmental", "environment", "Environmental fee", percent="2.5", of=["base", "pick_up"])),
        "reduced", ALWAYS,
    ),
    "commercial": Tariff(
        "Commercial bins",
        (
            _rule("base_fee", "base", "Base fee", amount="49.90"), _rule("pick_up", "pick_up", "Pick-up", amount="13.35"), EXTRA, DRY_RUN, DIRTY,
            _rule("discount", "discount", "Agreed discount", percent="7.5", of=["base", "pick_up"]), FUEL,
            _rule("environmental", "environment", "Environmental fee", percent="1.2", amount="3.00", of=["pick_up", "extra"]),
            _rule("franchise", "franchise", "Municipal franchise fee", percent="4", of=["base", "pick_up", "extra"]),
        ),
        modes=ALWAYS,
    ),
    "roll_off": Tariff(
        "Roll-off containers, each haul weighed",
        (
            _rule("pick_up", "pick_up", "Haul", amount="165.00"), _rule("tonnage", "tonnage", "Tonnage", per_tonne="92.50", included_t="2"),
            _rule("overweight", "overweight", "Overweight", limit_t="8", amount="75.00", per_tonne="40.00"),
            _rule("rental", "rental", "Container rental", per_day="2.35", last_day=False), DRY_RUN, DIRTY,
            _rule("minimum", "minimum", "Minimum", amount="120.00", of=["pick_up", "rental"]), FUEL | {"of": ["pick_up", "tonnage"]},
        ),
    ),
    "compactor": Tariff(
        "Compactors, tonnage pooled",
        (
            _rule("base_fee", "base", "Compactor hire", amount="240.00", credit_missed=False), _rule("pick_up", "pick_up", "Haul", amount="110.00"),
            _rule("tonnage", "tonnage", "Tonnage over the pool", per_tonne="88.00", included_t="12.5", scope="pooled"),
            _rule("minimum", "minimum", "Minimum", amount="650.00", of=["base", "pick_up", "tonnage"]),
            _rule("franchise", "franchise", "Municipal franchise fee", percent="3", gross_up=False, of=["pick_up", "tonnage"]), EXTRA,
        ),
    ),
    "construction": Tariff(
        "Construction containers",
        (
            _rule("pick_up", "pick_up", "Haul", amount="140.00"), _rule("tonnage", "tonnage", "Tonnage", per_tonne="61.25", minimum_t="1.5"),
            _rule("rental", "rental", "Container rental", per_day="1.95", first_day=False), EXTRA, DRY_RUN,
            _rule("discount", "discount", "Off for good customers", amount="25.00", of=["pick_up"]),
        ),
    ),
    "call": Tariff("On call, nothing else", (_rule("pick_up", "pick_up", "Pick-up on call", amount="38.00"), EXTRA, DRY_RUN), modes=ALWAYS),
}  # fmt: skip
MONEY = frozenset({"amount", "per_tonne", "per_day"})


def code_of(market: Market, tariff: str, mode: str) -> str:
    return f"{market.currency}-{tariff}" + ("-incl" if mode == "inclusive" else "")


def price_lists(months: Months, seed: int) -> Iterator[Row]:
    """Each tariff in each currency."""
    by_currency = {market.currency: market for market in MARKETS.values()}
    for market in by_currency.values():
        for name, tariff in TARIFFS.items():
            for mode in sorted(tariff.modes):
                code = code_of(market, name, mode)
                yield PriceListRow(
                    code=code,
                    title=f"{tariff.title} ({market.currency})",
                    currency=market.currency,
                    tax_mode=mode,
                    tax_class=tariff.tax_class,
                )
                yield from versions(code, tariff, market, months, Chance.of(seed, code))


def versions(code: str, tariff: Tariff, market: Market, months: Months, chance: Chance) -> Iterator[PriceVersionRow]:
    """One since long ago; of some lists another one, dearer."""
    change = {
        "none": None, "mid": months.month + timedelta(days=14), "first": months.month, "before": months.before + timedelta(days=9),
    }[chance.one_of(CHANGES)]  # fmt: skip
    yield PriceVersionRow(
        price_list=code, valid_from=months.long_ago, valid_until=change, rules=rules(tariff, market, Decimal(1))
    )
    if change is not None:
        dearer = 1 + Decimal(chance.choice((15, 28, 42, 60))) / 1000
        yield PriceVersionRow(
            price_list=code, valid_from=change, rules=rules(tariff, market, dearer), note="New prices"
        )


def rules(tariff: Tariff, market: Market, dearer: Decimal) -> Any:
    """In the market's currency."""
    digits = minor_digits(market.currency)
    priced = [
        {
            name: str(rounded(Decimal(value) * market.scale * dearer, digits)) if name in MONEY else value
            for name, value in rule.items()
        }
        for rule in tariff.rules
    ]
    for rule in priced:
        if rule["rule"] == "fuel" and market.currency == "GBP":
            rule["code"] = "fuel_uk"
    return RULES.validate_python(priced)
