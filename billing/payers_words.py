"""Numbers of documents in what payers write. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_RF = re.compile(r"\bRF\d\d(?=[A-Z0-9])")  # a creditor reference (ISO 11649): two check digits before ours
_APART = r"[\W_]{0,3}"


def numbers_in(text: str, series: Sequence[tuple[str, int]]) -> list[str]:
    """Those that are written out, as they are printed and in the order of the text: "INV-000017", "inv 000017", "RF18INV000017".
    `series`: prefix and digits of each."""
    said = _RF.sub(" ", text.upper())
    found: list[tuple[int, str]] = []
    for prefix, digits in series:
        bare = _bare(prefix)
        form = rf"(?<![A-Z0-9]){bare}{_APART if bare else ''}(\d{{{digits}}}|[1-9]\d{{{digits},14}})(?![A-Z0-9])"
        found += [(each.start(), _number(prefix, digits, each[1])) for each in re.finditer(form, said, re.ASCII)]
    return list(dict.fromkeys(number for _, number in sorted(found)))


def guesses_in(text: str, series: Sequence[tuple[str, int]]) -> list[str]:
    """What may be meant: "inv 17", and where the bank broke the line in the midst of a number, "INV-00 0017". To be held against amounts."""
    said, found = text.upper(), list[str]()
    squeezed = re.sub(r"\s", "", said)
    for prefix, digits in series:
        if bare := _bare(prefix):
            short = re.finditer(rf"(?<![A-Z0-9]){bare}{_APART}(\d{{1,15}})(?!\d)", said, re.ASCII)
            broken = re.finditer(rf"{bare}{_APART}(\d{{{digits}}})", squeezed, re.ASCII)
            found += [_number(prefix, digits, each[1]) for each in (*short, *broken)]
    return list(dict.fromkeys(found))


def _bare(prefix: str) -> str:
    return re.escape(re.sub(r"[\W_]", "", prefix.upper()))


def _number(prefix: str, digits: int, said: str) -> str:
    return f"{prefix}{int(said):0{digits}}"
