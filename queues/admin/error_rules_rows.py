"""What the page of error rules shows, and what a rule would change, in words. Pure: rules and counts in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from queues.ledger.error_counts import Lately, Times
from queues.ledger.error_table import Key, Source, Table, Verdict

NEVER = Times()
TABS = {"used": "In use", "staff": "By staff", "shipped": "Shipped"}


@dataclass(frozen=True)
class Row:
    """A rule, or (`source` unknown) an error that failed lately and has none. `permanent` None: nobody said."""

    error_type: str
    error_code: str
    source: Source
    permanent: bool | None
    overload: bool = False
    note: str = ""
    times: Times = NEVER
    otherwise: bool | None = None  # permanent or not without this rule of staff's; None: no other rule names it
    pk: int | None = None

    @property
    def query(self) -> str:
        """Leads to the form about it; of a shipped rule, with the other answer chosen."""
        given = {"error_type": self.error_type, "error_code": self.error_code}
        if self.source == "shipped":
            given["permanent"] = str(not self.permanent)
        return urlencode(given)


def rows(table: Table, stored: Iterable[Any], counted: Lately) -> list[Row]:
    """Staff's rules first, then what failed lately under no rule, then what is shipped."""
    times = counted.by_rule(table)
    mine = [
        Row(
            rule.error_type, rule.error_code, "staff", rule.permanent, note=rule.note, pk=rule.pk,
            times=times.get((rule.error_type, rule.error_code), NEVER), otherwise=_otherwise(table, (rule.error_type, rule.error_code)),
        )
        for rule in stored
    ]  # fmt: skip
    strange = [Row(*key, "unknown", None, times=found) for key, found in counted.without_rule(table).items()]
    shipped = [
        Row(*key, "shipped", rule.permanent, rule.overload, rule.note, times.get(key, NEVER))
        for key, rule in table.shipped.items()
        if key not in table.staff
    ]
    by_name = sorted(strange, key=_name), sorted(shipped, key=lambda row: (not row.times, *_name(row)))
    return [*sorted(mine, key=_name), *by_name[0], *by_name[1]]


def in_tab(row: Row, tab: str) -> bool:
    if tab == "used":
        return row.source == "staff" or bool(row.times)
    return row.source == tab


def forecast(table: Table, counted: Lately, key: Key, permanent: bool) -> list[str]:
    """What a rule would change, in sentences."""
    return [
        _now(table, key),
        "By this rule it is permanent: the run is a dead letter at its first failure, and is not tried again."
        if permanent
        else "By this rule it is transient: it is tried again after a growing wait, as often as the run has attempts.",
        *_beside(table, key),
        _lately(counted.under(table, key), counted.whole, permanent),
        "What waits for another attempt by now still gets it."
        if permanent
        else "Dead letters stay as they are: retry them when the rule is in force.",
    ]


def _now(table: Table, key: Key) -> str:
    verdict = table.judge_stored(*key)
    word = "permanent" if verdict.permanent else "transient"
    if verdict.source == "unknown":
        return "Now no rule names it: what it says of itself decides, or a rule for one of its base classes; else it is transient."  # fmt: skip
    if verdict.source == "staff" and verdict.key == key:
        return f"Now it is {word}, by staff's own rule, which this changes."
    return f"Now it is {word}, by {verdict.by}."


def _beside(table: Table, key: Key) -> Iterable[str]:
    """Rules for codes that this one would be about as well."""
    kind, code = key
    for rules, told in (
        (table.staff, "Staff's own rules stay in force for"),
        (table.shipped, "It goes before the shipped rules for"),
    ):
        codes = sorted(c for k, c in rules if k == kind and c != code and c and _covers(code, c))
        if codes:
            yield f"{told} {', '.join(codes)}."


def _covers(code: str, other: str) -> bool:
    """Whether a rule for `code` (every code; a family) is about `other` too."""
    return not code or bool(re.fullmatch(r"\dxx", code) and re.fullmatch(rf"{code[0]}\d\d", other))


def _lately(times: Times, whole: bool, permanent: bool) -> str:
    span = "In the last 24 hours" if whole else "Of the newest failures"
    if not times:
        return f"{span} nothing failed so."
    told = f"{span} {_attempts(times.retried + times.dead)} failed so"
    if permanent:
        after = f"{times.retried:,} of them would not have been tried again" if times.retried else "none was tried again"  # fmt: skip
        return f"{told}; {after}."
    after = f"{times.dead:,} made a dead letter and would have been tried again, unless the attempts were used up" if times.dead else "all were to be tried again"  # fmt: skip
    return f"{told}; {after}."


def _attempts(number: int) -> str:
    return "one attempt" if number == 1 else f"{number:,} attempts"


def without(table: Table, key: Key) -> Verdict:
    """What would be in force without this rule of staff's."""
    return Table({k: rule for k, rule in table.staff.items() if k != key}, table.shipped).judge_stored(*key)


def _otherwise(table: Table, key: Key) -> bool | None:
    verdict = without(table, key)
    return None if verdict.source == "unknown" else verdict.permanent


def _name(row: Row) -> tuple[str, str]:
    return row.error_type.lower(), row.error_code


def matches(row: Row, words: str) -> bool:
    """Every word is somewhere in the type, the code or the note."""
    text = f"{row.error_type} {row.error_code} {row.note}".lower()
    return all(word in text for word in words.lower().split())


def given(query: Mapping[str, str]) -> dict[str, str]:
    """What a link to the form says of the error. No text that a database refuses."""
    return {name: query[name].replace("\0", "") for name in ("error_type", "error_code", "permanent") if name in query}
