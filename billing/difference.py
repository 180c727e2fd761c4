"""What changed since the document before, and why, in sentences that a clerk understands at once. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.money import minor_digits, rounded, told

MOST = 12  # sentences
PIECES = {
    "pick_up": ("pick-up", "pick-ups"), "extra": ("extra pick-up", "extra pick-ups"), "dry_run": ("visit in vain", "visits in vain"),
    "contamination": ("contaminated load", "contaminated loads"), "rental": ("rental day", "rental days"),
    "tonnage": ("t over the included", "t over the included"),
}  # fmt: skip
PRICE = {"base_fee": "amount", "pick_up": "unit_price", "extra": "unit_price", "dry_run": "unit_price", "contamination": "unit_price",
         "rental": "per_day", "tonnage": "per_tonne", "environmental": "amount"}  # fmt: skip
FOLLOWS = {"discount", "fuel", "environmental", "franchise"}  # a percentage of what other charges come to
MOST_PERCENT = Decimal(9_999_999_999)  # that the column holds


@dataclass(frozen=True)
class Said:
    """A line, as it is compared. `amount`: negative where it is owed to the customer; `since`: the earlier period that it is for."""

    service: str
    code: str
    title: str
    rule: str
    amount: Decimal
    inputs: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[str] = ()
    since: date | None = None


def change_percent(now: Decimal, before: Decimal) -> Decimal | None:
    """By how much a document's amount moved; None where there was nothing before."""
    if not before:
        return None
    exact = rounded((now - before) * 100 / abs(before), 2)
    return max(-MOST_PERCENT, min(MOST_PERCENT, exact))


def why(now: Sequence[Said], before: Sequence[Said], currency: str) -> list[str]:
    """The differences, the largest first. What is late is told by itself: it is no change of the period."""
    digits = minor_digits(currency)
    ours, theirs = _by_charge(now), _by_charge(before)
    several = len({each.service for each in [*now, *before]}) > 1
    found: list[tuple[Decimal, str]] = []
    for key in dict.fromkeys([*ours, *theirs]):
        new, old = ours.get(key, []), theirs.get(key, [])
        difference = _sum(new) - _sum(old)
        if difference or _price_since(new, old):
            named = (new or old)[0]
            where = f" ({named.service})" if several and named.service else ""
            found.append((difference, f"{_words(new, old)}{where}: {_signed(difference, digits)}"))
    found.sort(key=lambda each: -abs(each[0]))
    rest = found[MOST:]
    sentences = [sentence for _, sentence in found[:MOST]]
    if rest:
        sentences.append(
            f"{len(rest)} smaller differences: {_signed(sum((each for each, _ in rest), Decimal()), digits)}"
        )
    return sentences


def _by_charge(lines: Sequence[Said]) -> dict[tuple[str, str, bool], list[Said]]:
    found: dict[tuple[str, str, bool], list[Said]] = defaultdict(list)
    for line in lines:
        found[line.service, line.code, line.since is not None].append(line)
    return found


def _words(new: Sequence[Said], old: Sequence[Said]) -> str:
    named = (new or old)[0]
    if named.since is not None:
        periods = ", ".join(sorted({str(each.since) for each in new or old}))
        return f"{named.title}, late for the period from {periods}" + ("" if new else ", only last time")
    counted = _counted(new, old)
    causes = [
        each for each in (counted, _price_since(new, old), _part(new, old), _missed(new, old), _fuel(new, old)) if each
    ]
    if causes:
        return ", ".join(causes) if counted else f"{named.title}: {', '.join(causes)}"
    if not old:
        return f"{named.title}, new"
    if not new:
        return f"{named.title}, no more"
    follows = ", as what it is a part of changed" if named.rule in FOLLOWS and _rates(new) == _rates(old) else ""
    return f"{named.title} {told(_sum(new))} instead of {told(_sum(old))}{follows}"


def _counted(new: Sequence[Said], old: Sequence[Said]) -> str:
    """ "4 extra pick-ups instead of none"."""
    rule = (new or old)[0].rule
    if rule not in PIECES:
        return ""
    have, had = _many(new), _many(old)
    if have == had:
        return ""
    return f"{_n(have) or 'no'} {PIECES[rule][have != 1]} instead of {_n(had) or 'none'}"


def _many(lines: Sequence[Said]) -> Decimal:
    names = ("quantity", "days", "tonnes")
    found = (next((each.inputs[name] for name in names if name in each.inputs), "0") for each in lines)
    return sum((Decimal(each) for each in found), Decimal())


def _price_since(new: Sequence[Said], old: Sequence[Said]) -> str:
    """ "price since 2026-10-15: 30.00 instead of 25.00"."""
    if not new or not old:
        return ""
    name = PRICE.get(new[0].rule, "")
    priced = [each for each in new if name in each.inputs]
    was = next((each.inputs[name] for each in reversed(old) if name in each.inputs), None)
    for each in priced:
        if was is not None and Decimal(each.inputs[name]) != Decimal(was):
            return f"price since {each.inputs.get('from', 'this period')}: {_money(each.inputs[name])} instead of {_money(was)}"
    return ""


def _part(new: Sequence[Said], old: Sequence[Said]) -> str:
    """ "17 of 31 days instead of 30 of 30"; two whole periods are alike, however long they are."""
    have, had = _days(new), _days(old)
    if have is None or had is None or have[0] * had[1] == had[0] * have[1]:
        return ""
    return f"{have[0]} of {have[1]} days instead of {had[0]} of {had[1]}"


def _days(lines: Sequence[Said]) -> tuple[int, int] | None:
    parts = [(int(each.inputs["days"]), int(each.inputs["of_days"])) for each in lines if "of_days" in each.inputs]
    return (sum(days for days, _ in parts), parts[0][1]) if parts else None


def _missed(new: Sequence[Said], old: Sequence[Said]) -> str:
    """What we missed and credit: lines of a base fee that take off."""
    if (new or old)[0].rule != "base_fee":
        return ""
    have, had = (sum(len(each.events) for each in lines if each.amount < 0) for lines in (new, old))
    return "" if have == had else f"{have or 'no'} visit{'s' * (have != 1)} missed by us instead of {had or 'none'}"


def _fuel(new: Sequence[Said], old: Sequence[Said]) -> str:
    if not new or not old or new[0].rule != "fuel":
        return ""
    have, had = new[-1].inputs, old[-1].inputs
    if have.get("index") == had.get("index") and have.get("percent") == had.get("percent"):
        return ""
    now, was = ({name: _money(each.get(name, "0")) for name in ("index", "percent")} for each in (have, had))
    return f"index {now['index']} instead of {was['index']}, {now['percent']} % instead of {was['percent']} %"


def _rates(lines: Sequence[Said]) -> list[str | None]:
    return sorted({each.inputs.get("percent") for each in lines}, key=str)


def _sum(lines: Sequence[Said]) -> Decimal:
    return sum((each.amount for each in lines), Decimal())


def _n(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else ""


def _money(number: str) -> str:
    short = rounded(Decimal(number), 2)
    return told(short) if short == Decimal(number) else told(Decimal(number).normalize())


def _signed(amount: Decimal, digits: int) -> str:
    shown = told(rounded(amount, digits))
    return shown if amount < 0 else f"+{shown}"
