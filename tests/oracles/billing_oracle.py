"""A second opinion on every invoice. Standard library only, and not a line of it shared with `billing`.

It was written from docs/explanation/billing.md, and reads the files that `manage.py export_billing` writes:

    python tests/oracles/billing_oracle.py FOLDER --through 2026-11-01 [--after OLDER_FOLDER=2026-10-01 …]

prints, one JSON object a line, what each contract's periods come to. `--after` names what was billed before, as it was known then, so that
what was recorded later shows as late. Money is whole minor units, arithmetic is fractions, nothing is clever.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

Row = dict[str, str]
ORDER = (
    "base_fee", "pick_up", "extra", "dry_run", "contamination", "tonnage", "overweight", "rental", "minimum", "discount", "fuel", "environmental",
    "franchise",
)  # fmt: skip
NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
WEEKS = {"week": 1, "two_weeks": 2, "four_weeks": 4}
IN_KG = {
    "kg": Fraction(1), "t": Fraction(1000), "lb": Fraction("0.45359237"), "short_ton": Fraction("907.18474"),
}  # fmt: skip
ONE_DAY = timedelta(days=1)
FOR_EVER = date.max


class Wrong(Exception):
    """What cannot be priced."""


def half_up(exact: Fraction) -> int:
    """To a whole number; a half goes away from zero."""
    size, rest = divmod(abs(exact), 1)
    size += rest >= Fraction(1, 2)
    return int(size) if exact >= 0 else -int(size)


def day(text: str, otherwise: date | None = None) -> date:
    if not text and otherwise is not None:
        return otherwise
    return date.fromisoformat(text)


class Files:
    """The trade as one folder of CSV files tells it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seller = next(iter(self.read("sellers")), {"currency": "EUR"})
        self.customers = self.by_code("customers")
        self.places = self.by_code("jurisdictions")
        self.lists = self.by_code("price_lists")
        self.contracts = sorted(self.read("contracts"), key=lambda row: row["code"])
        self.services = self.grouped("services", "contract")
        self.versions = self.grouped("price_versions", "price_list")
        self.stays = self.grouped("stays", "service")
        self.visits = self.grouped("visits", "service")
        self.tickets = {row["visit"]: row for row in self.read("weigh_tickets")}
        self.coupons = self.grouped("coupons", "contract")
        self.rates = self.read("tax_rates")
        self.exchange = self.read("exchange_rates")
        self.index = self.read("fuel_index")

    def read(self, name: str) -> list[Row]:
        path = self.folder / f"{name}.csv"
        if not path.exists():
            return []
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def by_code(self, name: str) -> dict[str, Row]:
        return {row["code"]: row for row in self.read(name)}

    def grouped(self, name: str, by: str) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.read(name):
            found[row[by]].append(row)
        return found


# --- periods and days ---


def period_start(contract: Row, number: int) -> date:
    """The first day of the period so many after the one that begins on the anchor."""
    anchor = day(contract["anchor"])
    if contract["every"] in WEEKS:
        return anchor + timedelta(weeks=number * WEEKS[contract["every"]])
    month = anchor.year * 12 + anchor.month - 1 + number * MONTHS[contract["every"]]
    year, month = divmod(month, 12)
    following = date(year + 1, 1, 1) if month == 11 else date(year, month + 2, 1)
    return min(date(year, month + 1, 1) + timedelta(days=anchor.day - 1), following - ONE_DAY)


def period_of(contract: Row, on: date) -> tuple[date, date]:
    """The period a day is in; its end is the day after its last."""
    about = (on - day(contract["anchor"])).days
    number = (
        about // 7 // WEEKS[contract["every"]]
        if contract["every"] in WEEKS
        else about // 28 // MONTHS[contract["every"]] + 1
    )
    while period_start(contract, number) > on:
        number -= 1
    while period_start(contract, number + 1) <= on:
        number += 1
    return period_start(contract, number), period_start(contract, number + 1)


def served_until(contract: Row, ends_on: str) -> date:
    """The first day that is not served any more."""
    if not ends_on:
        return FOR_EVER
    return day(ends_on) + ONE_DAY if contract["ends"] == "inclusive" else day(ends_on)


def days_between(first: date, end: date) -> list[date]:
    return [first + timedelta(days=number) for number in range(max(0, (end - first).days))]


def periods_over(contract: Row, through: date) -> list[tuple[date, date]]:
    """All that are over, in which the contract is served, and that are to be billed here."""
    starts, end = day(contract["starts_on"]), served_until(contract, contract["ends_on"])
    found, (first, after) = [], period_of(contract, starts)
    while after <= through and first < end:
        ours = not contract["bill_from"] or after > day(contract["bill_from"])
        if ours and max(first, starts) < min(after, end):
            found.append((first, after))
        first, after = after, period_of(contract, after)[1]
    return found


# --- what a service's period comes to ---


class Rating:
    """All charges of one service in one period: `charges` is (code, minor units), in order."""

    def __init__(self, files: Files, contract: Row, service: Row, period: tuple[date, date]) -> None:
        self.files, self.contract, self.period = files, contract, period
        self.digits = digits(contract["currency"])
        self.period_days = (period[1] - period[0]).days
        self.charges: list[tuple[str, int]] = []
        first = max(period[0], day(contract["starts_on"]), day(service["starts_on"]))
        ends = served_until(contract, contract["ends_on"]), served_until(contract, service["ends_on"])
        served = days_between(first, min(period[1], *ends))
        visits = [visit for visit in files.visits[service["code"]] if period[0] <= day(visit["day"]) < period[1]]
        for visit in visits:
            if day(visit["day"]) not in served:
                raise Wrong(f"visit {visit['code']} on {visit['day']}: the service is not served on that day")
            if visit["code"] in files.tickets and visit["outcome"] != "done":
                raise Wrong(f"visit {visit['code']} was weighed, and not done")
        slices: list[tuple[Row, list[date]]] = []
        for one in served:
            version = self.version_on(service["price_list"], one)
            if slices and slices[-1][0] is version:
                slices[-1][1].append(one)
            else:
                slices.append((version, [one]))
        self.before = 0
        for version, days in slices:
            within = [visit for visit in visits if days[0] <= day(visit["day"]) <= days[-1]]
            self.price(version, days, within, files.stays[service["code"]])
            self.before += len(days)

    def version_on(self, price_list: str, on: date) -> Row:
        for version in self.files.versions[price_list]:
            if day(version["valid_from"]) <= on < day(version["valid_until"], FOR_EVER):
                return version
        raise Wrong(f"price list {price_list} has no version for {on}")

    def minor(self, amount: Fraction) -> int:
        return half_up(amount * 10**self.digits)

    def part(self, price: Fraction, days: int) -> int:
        """The part of a period's price that so many days are, after `before` ones."""
        if self.contract["parts"] == "each":
            return self.minor(price * days / self.period_days)
        return self.minor(price * (self.before + days) / self.period_days) - self.minor(
            price * self.before / self.period_days
        )

    def price(self, version: Row, days: list[date], visits: list[Row], stays: list[Row]) -> None:
        """One slice, by its version's rules."""
        rules = json.loads(version["rules"], parse_float=str, parse_int=str)
        so_far: list[tuple[str, int]] = []
        for kind in ORDER:
            for rule in rules:
                if rule["rule"] == kind:
                    counted = sum(amount for code, amount in so_far if code in rule.get("of", ()))
                    for amount in self.charge(kind, rule, counted, days, visits, stays):
                        so_far.append((rule["code"], amount))
        self.charges += [(code, amount) for code, amount in so_far if amount]

    def charge(
        self, kind: str, rule: dict[str, Any], counted: int, days: list[date], visits: list[Row], stays: list[Row]
    ) -> list[int]:
        def given(name: str) -> Fraction:
            return Fraction(rule.get(name) or 0)

        amount, percent = given("amount"), given("percent") / 100
        done = [visit for visit in visits if visit["outcome"] == "done"]
        scheduled = [visit for visit in visits if not yes(visit["extra"])]
        if kind == "base_fee":
            whole = self.part(amount, len(days))
            missed = [visit for visit in scheduled if visit["outcome"] == "missed_by_us"]
            if rule.get("credit_missed", True) and missed:
                return [whole, -half_up(Fraction(whole * len(missed), len(scheduled)))]
            return [whole]
        if kind in ("pick_up", "extra"):
            containers = sum(int(visit["containers"]) for visit in done if yes(visit["extra"]) == (kind == "extra"))
            return [self.minor(amount * containers)]
        if kind == "dry_run":
            return [self.minor(amount * sum(visit["outcome"] in ("blocked", "missed_by_customer") for visit in visits))]
        if kind == "contamination":
            return [self.minor(amount * sum(yes(visit["contaminated"]) for visit in visits))]
        tonnes = [self.tonnes(visit) for visit in visits if visit["code"] in self.files.tickets]
        if kind == "tonnage":
            weights = [max(weight, given("minimum_t")) for weight in tonnes]
            if rule.get("scope", "haul") == "pooled":
                over = max(Fraction(0), sum(weights, Fraction(0)) - given("included_t") * len(days) / self.period_days)
            else:
                over = sum((max(Fraction(0), weight - given("included_t")) for weight in weights), Fraction(0))
            return [self.minor(over * given("per_tonne"))]
        if kind == "overweight":
            over_it = [weight - given("limit_t") for weight in tonnes if weight > given("limit_t")]
            return [self.minor(sum((amount + given("per_tonne") * over for over in over_it), Fraction(0)))]
        if kind == "rental":
            return [self.minor(given("per_day") * sum(self.stood(stay, rule, days) for stay in stays))]
        if kind == "minimum":
            return [max(0, self.part(amount, len(days)) - counted)]
        if kind == "discount":
            if counted <= 0:
                return []
            return [
                -half_up(counted * percent) if rule.get("percent") is not None else -min(counted, self.minor(amount))
            ]
        if kind == "fuel":
            return [half_up(counted * self.fuel_percent(rule) / 100)]
        if kind == "environmental":
            return [half_up(counted * percent) + self.part(amount, len(days))]
        if kind == "franchise":
            return [half_up(counted * percent / (1 - percent) if rule.get("gross_up", True) else counted * percent)]
        raise Wrong(f"no such rule: {kind}")

    def tonnes(self, visit: Row) -> Fraction:
        """Net kilograms to the gram, as tonnes."""
        ticket = self.files.tickets[visit["code"]]
        net_kg = (Fraction(ticket["gross"]) - Fraction(ticket["tare"])) * IN_KG[ticket["unit"] or "kg"]
        return Fraction(half_up(net_kg * 1000), 1_000_000)

    def stood(self, stay: Row, rule: dict[str, Any], days: list[date]) -> int:
        """On how many of the days a rented container is charged. One that comes and goes on a day counts it if either counts."""
        came, went = day(stay["delivered_on"]), day(stay["removed_on"], FOR_EVER)
        counts = {came: rule.get("first_day", True), went: rule.get("last_day", True)}
        if came == went:
            counts = {came: rule.get("first_day", True) or rule.get("last_day", True)}
        return sum(came <= one <= went and counts.get(one, True) for one in days)

    def fuel_percent(self, rule: dict[str, Any]) -> Fraction:
        known = [
            row
            for row in self.files.index
            if row["code"] == rule["code"] and day(row["published_on"]) <= self.period[0]
        ]
        if not known:
            raise Wrong(f"no index {rule['code']} was published by {self.period[0]}")
        index = Fraction(max(known, key=lambda row: row["published_on"])["value"])
        steps = max(0, (index - Fraction(rule["base"])) // Fraction(rule["step"]))
        percent = steps * Fraction(rule["percent_per_step"])
        if rule.get("floor_percent") is not None:
            percent = max(percent, Fraction(rule["floor_percent"]))
        if rule.get("cap_percent") is not None:
            percent = min(percent, Fraction(rule["cap_percent"]))
        return percent


# --- a document ---


class Books:
    """What was billed so far: it goes from run to run."""

    def __init__(self) -> None:
        self.billed: set[tuple[str, date]] = set()  # contract, first day of the period
        self.told: dict[tuple[str, str, date], int] = defaultdict(int)  # service, code, period → what lines say
        self.visits: set[str] = set()  # on a document
        self.coupons: set[str] = set()

    def bill(self, files: Files, through: date, issued: date | None = None) -> list[dict[str, Any]]:
        """A run: what each period that is due comes to, in the order of contracts and periods."""
        made = []
        for contract in files.contracts:
            open_ones = [each for each in periods_over(contract, through) if not self.was_billed(contract, each)]
            for period in open_ones or self.after_the_end(files, contract, through):
                made.append(self.one(files, contract, period, issued or through))
        return made

    def was_billed(self, contract: Row, period: tuple[date, date]) -> bool:
        return (contract["code"], period[0]) in self.billed

    def after_the_end(self, files: Files, contract: Row, through: date) -> list[tuple[date, date]]:
        """Periods that begin when an ended contract is not served any more, and are due for visits that are on no document."""
        end = served_until(contract, contract["ends_on"])
        if end == FOR_EVER or end <= day(contract["starts_on"]):
            return []
        services = files.services[contract["code"]]
        visits = [visit for service in services for visit in files.visits[service["code"]]]
        left = [period_of(contract, day(visit["day"])) for visit in visits if visit["code"] not in self.visits]
        late = [period for period in left if self.was_billed(contract, period)]
        found, waits = [], bool(late)
        period = period_of(contract, end)
        while period[1] <= through:
            if (
                period[0] >= end
                and not self.was_billed(contract, period)
                and (not contract["bill_from"] or period[1] > day(contract["bill_from"]))
            ):
                takes = waits and period > max(late)
                waits = waits and not takes
                if takes or period in left:
                    found.append(period)
            period = period_of(contract, period[1])
        return found

    def one(self, files: Files, contract: Row, period: tuple[date, date], issued: date) -> dict[str, Any]:
        found: dict[str, Any] = {
            "contract": contract["code"], "period_start": str(period[0]), "period_end": str(period[1]), "state": "billed",
        }  # fmt: skip
        if contract["on_hold"]:
            return found | {"state": "excluded", "reason": contract["on_hold"]}
        try:
            lines, visits = self.lines(files, contract, period)
            if lines:
                found |= Invoice(
                    files, contract, period, lines, self.open_coupons(files, contract, period, lines)
                ).told(issued)
        except Wrong as why:
            return found | {"state": "set_aside", "reason": str(why)}
        self.billed.add((contract["code"], period[0]))
        if not lines:
            return found | {"state": "nothing"}
        self.visits |= visits
        self.coupons |= set(found.pop("coupons"))
        for service, code, since, amount, _ in lines:
            self.told[service, code, since or period[0]] += amount
        return found

    def lines(self, files: Files, contract: Row, period: tuple[date, date]) -> tuple[list[Any], set[str]]:
        """(service, code, since, amount, tax class) of each line, and the visits that they rest on."""
        lines, late, seen = [], [], set()
        for service in sorted(files.services[contract["code"]], key=lambda row: row["code"]):
            prices = files.lists[service["price_list"]]
            if prices["currency"] != contract["currency"]:
                raise Wrong(f"price list {prices['code']} is in {prices['currency']}")
            lines += [
                (service["code"], code, None, amount, prices)
                for code, amount in Rating(files, contract, service, period).charges
            ]
            older = set()
            for visit in files.visits[service["code"]]:
                on = period_of(contract, day(visit["day"]))
                if on == period:
                    seen.add(visit["code"])
                elif on < period and (contract["code"], on[0]) in self.billed and visit["code"] not in self.visits:
                    seen.add(visit["code"])
                    older.add(on)
            for one in sorted(older):
                now: dict[str, int] = defaultdict(int)
                for code, amount in Rating(files, contract, service, one).charges:
                    now[code] += amount
                before = {
                    code: amount
                    for (of, code, since), amount in self.told.items()
                    if (of, since) == (service["code"], one[0])
                }
                for code in [*now, *(code for code in before if code not in now)]:
                    if more := now[code] - before.get(code, 0):
                        late.append((service["code"], code, one[0], more, prices))
        return lines + late, seen

    def open_coupons(self, files: Files, contract: Row, period: tuple[date, date], lines: list[Any]) -> list[Row]:
        left = sum(line[3] for line in lines)
        if any(line[3] < 0 for line in lines):
            return []
        used = []
        for coupon in sorted(files.coupons[contract["code"]], key=lambda row: row["code"]):
            valid = day(coupon["valid_from"]) <= period[0] < day(coupon["valid_until"], FOR_EVER)
            amount = half_up(Fraction(coupon["amount"]) * 10 ** digits(contract["currency"]))
            if valid and coupon["code"] not in self.coupons and amount <= left:
                used.append(coupon | {"minor": str(amount)})
                left -= amount
        return used


class Invoice:
    """Tax and totals."""

    def __init__(
        self, files: Files, contract: Row, period: tuple[date, date], lines: list[Any], coupons: list[Row]
    ) -> None:
        self.files, self.contract, self.lines, self.coupons = files, contract, lines, coupons
        self.customer = files.customers[contract["customer"]]
        self.tax_point = min(period[1], served_until(contract, contract["ends_on"])) - ONE_DAY
        modes = {files.lists[service["price_list"]]["tax_mode"] for service in files.services[contract["code"]]}
        if len(modes) != 1:
            raise Wrong("price lists with and without tax in one contract")
        self.inclusive = "inclusive" in modes
        self.by_line = files.places[contract["jurisdiction"]]["rounding"] == "line"

    def tax_of(self, prices: Row) -> tuple[str, Fraction]:
        """Category and percent."""
        treatment = self.customer["tax_treatment"]
        if treatment == "reverse_charge":
            return "AE", Fraction(0)
        if treatment == "exempt" and self.tax_point < day(self.customer["exempt_until"], FOR_EVER):
            return "E", Fraction(0)
        if treatment == "zero":
            return "Z", Fraction(0)
        for rate in self.files.rates:
            here = (rate["jurisdiction"], rate["tax_class"]) == (self.contract["jurisdiction"], prices["tax_class"])
            if here and day(rate["valid_from"]) <= self.tax_point < day(rate["valid_until"], FOR_EVER):
                return rate["category"], Fraction(rate["rate"])
        raise Wrong(f"no tax rate {prices['tax_class']} for {self.contract['jurisdiction']} on {self.tax_point}")

    def told(self, issued: date) -> dict[str, Any]:
        taxes = [self.tax_of(line[4]) for line in self.lines]
        amounts = [(amount, tax) for (_, _, _, amount, _), tax in zip(self.lines, taxes, strict=True)]
        off: dict[tuple[str, Fraction], int] = defaultdict(int)
        for coupon in self.coupons:
            for n, share in enumerate(spread(int(coupon["minor"]), [line[3] for line in self.lines])):
                off[taxes[n]] += share
                amounts[n] = (amounts[n][0] - share, taxes[n])
        groups = {
            tax: self.group(tax[1], [amount for amount, of in amounts if of == tax]) for tax in sorted(set(taxes))
        }
        net, tax = (sum(group[part] for group in groups.values()) for part in (0, 1))
        sign = -1 if net + tax < 0 else 1
        lines: dict[tuple[str, str, str], int] = defaultdict(int)
        for service, code, since, amount, _ in self.lines:
            lines[service, code, str(since or "")] += sign * amount
        return {
            "kind": "credit_note" if sign < 0 else "invoice", "currency": self.contract["currency"], "tax_point": str(self.tax_point),
            "due_date": str(issued + timedelta(days=int(self.customer["payment_days"] or 14))), "exchange": self.exchange(),
            "lines": [[*key, amount] for key, amount in sorted(lines.items()) if amount],
            "allowances": [[category, number(rate), sign * off[category, rate]] for category, rate in sorted(off) if off[category, rate]],
            "tax_groups": [[category, number(rate), sign * base, sign * due] for (category, rate), (base, due) in groups.items()],
            "net": sign * net, "tax": sign * tax, "gross": sign * (net + tax), "coupons": [coupon["code"] for coupon in self.coupons],
        }  # fmt: skip

    def group(self, percent: Fraction, amounts: list[int]) -> tuple[int, int]:
        """Base and tax of all that has one rate."""
        share = percent / (100 + percent) if self.inclusive else percent / 100
        tax = sum(half_up(amount * share) for amount in amounts) if self.by_line else half_up(sum(amounts) * share)
        return (sum(amounts) - tax, tax) if self.inclusive else (sum(amounts), tax)

    def exchange(self) -> list[str] | None:
        ours, theirs = self.files.seller["currency"], self.contract["currency"]
        if ours == theirs:
            return None
        known = [
            row
            for row in self.files.exchange
            if (row["base"], row["quote"]) == (theirs, ours) and day(row["on"]) <= self.tax_point
        ]
        if not known:
            raise Wrong(f"no rate of {theirs} in {ours} was published by {self.tax_point}")
        last = max(known, key=lambda row: row["on"])
        return [number(Fraction(last["rate"])), last["on"]]


def spread(total: int, over: list[int]) -> list[int]:
    """Whole parts in proportion, that sum to the total: what is left over goes to the largest remainders, the earlier ones first."""
    whole = sum(over)
    shares = [total * each // whole for each in over]
    by_rest = sorted(range(len(over)), key=lambda place: (-(total * over[place] % whole), place))
    for place in by_rest[: total - sum(shares)]:
        shares[place] += 1
    return shares


def digits(currency: str) -> int:
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


def number(exact: Fraction) -> str:
    """As a decimal number without needless zeros; rates have at most eight places."""
    text = f"{int(exact * 10**8):09d}"
    return f"{text[:-8]}.{text[-8:]}".rstrip("0").rstrip(".")


def yes(cell: str) -> bool:
    return cell.strip().lower() in ("yes", "true", "1", "y")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Bill a folder of exported files by another program.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--through", type=date.fromisoformat, required=True, help="periods that end by this day")
    parser.add_argument("--issued", type=date.fromisoformat, help="the documents' date, if another")
    parser.add_argument("--after", action="append", default=[], metavar="FOLDER=DAY", help="what was billed before")
    options = parser.parse_args(argv)
    books = Books()
    for each in options.after:
        folder, _, until = each.rpartition("=")
        books.bill(Files(Path(folder)), date.fromisoformat(until))
    for document in books.bill(Files(options.folder), options.through, options.issued):
        sys.stdout.write(json.dumps(document, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
