"""Whether another attempt could help: one look-up by an error's type and code. Pure; what stands in the table is data.

The first that is found decides:

1. what staff wrote for the type's own name: with one of the error's codes, else for every code;
2. what the error says of itself: its attribute `permanent`;
3. what is shipped for the type's own name, likewise;
4. the same for each base class, the nearest first: what staff wrote before what is shipped;
5. nothing is known of it: another attempt may help.

So what staff wrote wins over everything about that type, and a rule for `Exception` changes what holds of the unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from queues.ledger.error_codes import codes_of, named

Key = tuple[str, str]  # (class name, code); an empty code stands for every code
Source = Literal["staff", "error", "shipped", "unknown"]
DEEPEST = 4  # how far the reasons of an error are followed


@dataclass(frozen=True, slots=True)
class Rule:
    """`overload`: a transient error which says that the other side has too much to do, or is out of reach."""

    permanent: bool
    overload: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`permanent` errors are never retried. `key` is the rule that decided, if `source` is staff or shipped."""

    permanent: bool
    overloaded: bool
    source: Source
    key: Key | None = None
    error_type: str = ""
    error_code: str = ""

    @property
    def by(self) -> str:
        """What decided, in words."""
        name = " ".join(part for part in self.key or () if part)
        return {
            "staff": f"a rule of staff for {name}",
            "error": "the error itself",
            "shipped": f"the shipped rule for {name}",
            "unknown": "no rule",
        }[self.source]


class Table:
    """What staff wrote over what is shipped. Never changed: another one takes its place."""

    def __init__(self, staff: Mapping[Key, Rule], shipped: Mapping[Key, Rule]) -> None:
        self.staff, self.shipped = dict(staff), dict(shipped)

    def judge(self, error: BaseException) -> Verdict:
        """An error as it was raised. An error raised `from` one that tells of overload tells of it too."""
        verdict, reason = self._judge(error), error.__cause__
        for _ in range(DEEPEST):
            if verdict.permanent or verdict.overloaded or reason is None:
                break
            if self._judge(reason).overloaded:
                return Verdict(False, True, verdict.source, verdict.key, verdict.error_type, verdict.error_code)
            reason = reason.__cause__
        return verdict

    def judge_stored(self, error_type: str, error_code: str) -> Verdict:
        """An error of which only that is known: base classes and its own word can't be asked."""
        return self.look_up([error_type], named(error_code))

    def look_up(self, names: Sequence[str], codes: Sequence[str], own: bool | None = None) -> Verdict:
        """`names`: the class and its bases, the nearest first; `codes`: the most telling first; `own`: its own word."""
        told = names[0], codes[0] if codes else ""
        shipped = next((found for name in names if (found := _find(self.shipped, name, codes))), None)
        overload = shipped is not None and self.shipped[shipped].overload
        if own is None or _find(self.staff, names[0], codes):
            for name in names:
                for rules, source in ((self.staff, "staff"), (self.shipped, "shipped")):
                    if found := _find(rules, name, codes):
                        permanent = rules[found].permanent
                        return Verdict(permanent, overload and not permanent, source, found, *told)  # type: ignore[arg-type]
        return Verdict(bool(own), overload and not own, "unknown" if own is None else "error", None, *told)

    def _judge(self, error: BaseException) -> Verdict:
        own = getattr(error, "permanent", None)
        names = [kind.__name__ for kind in type(error).__mro__ if kind is not object]
        return self.look_up(names, codes_of(error), own if isinstance(own, bool) else None)


def _find(rules: Mapping[Key, Rule], name: str, codes: Sequence[str]) -> Key | None:
    for code in codes:
        if (name, code) in rules:
            return name, code
    return (name, "") if (name, "") in rules else None
