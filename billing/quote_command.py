"""`manage.py quote CASE.json [--lines]`: one self-contained case, priced. Needs no settings and no database."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn, TextIO

from billing.quoting import quote

WRONG = 2
LONG = 40  # digits: no number of a case has so many
BLANK = " \t\r\n"  # to JSON


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, f"{message}\n{self.format_usage()}")


def main(arguments: list[str], out: TextIO | None = None, source: TextIO | None = None) -> int:
    """0, or 2 where a case cannot be priced: what is wrong is in its answer."""
    parser = Parser(
        prog="manage.py quote",
        description="Prices a case and prints its figures as JSON. The format: billing/README.md.",
    )
    parser.add_argument("case", help="a file, or - for standard input")
    parser.add_argument("--lines", action="store_true", help="many cases, one a line; as many answers, in order")
    options = parser.parse_args(arguments)
    out, failed = out or _utf8(sys.stdout), False
    try:
        for answer in map(answer_to, _texts(options.case, source, options.lines)):
            failed = failed or "error" in answer
            out.write(json.dumps(answer, ensure_ascii=False) + "\n")
    except OSError as error:
        sys.stderr.write(f"{options.case} cannot be read: {error.strerror}.\n")
        return WRONG
    return WRONG if failed else 0


def answer_to(text: str) -> dict[str, Any]:
    """The answer to a case as it was written."""
    try:
        text.encode()
        given = json.loads(text, parse_float=Odd, parse_int=_whole, parse_constant=Odd, object_pairs_hook=_once)
    except RecursionError:
        return _unreadable("This is nested too deeply for a case.")
    except UnicodeEncodeError:
        return _unreadable("This is not UTF-8 text.")
    except Twice as twice:
        return _unreadable(f"The name {twice.name!r} comes twice.", twice.name)
    except ValueError as error:
        return _unreadable(f"This is not JSON: {error}.")
    return quote(given)


class Twice(ValueError):
    """A name that comes twice in an object: nobody can tell which is meant."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Odd:
    """A number as no case has one (1.5, 1e3, NaN), kept as it was written: the validation refuses it by its field."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = Counter(name for name, _ in pairs)
        raise Twice(next(name for name, times in names.items() if times > 1))
    return found


def _whole(text: str) -> int | Odd:
    return int(text) if len(text) <= LONG else Odd(text)


def _unreadable(message: str, field: str = "case") -> dict[str, Any]:
    return {"case": None, "error": {"field": field, "message": message}}


def _texts(path: str, source: TextIO | None, lines: bool) -> Iterator[str]:
    """Bytes that are no UTF-8 stay in the text, as half characters: they spoil one case, not those beside it."""
    if path == "-":
        yield from _parts(source or io.TextIOWrapper(sys.stdin.buffer, "utf-8", "surrogateescape", newline="\n"), lines)
        return
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        yield from _parts(file, lines)


def _parts(file: Iterable[str], lines: bool) -> Iterator[str]:
    if lines:
        yield from (line for line in file if line.strip(BLANK))
    else:
        yield "".join(file)


def _utf8(out: TextIO) -> TextIO:
    """Whatever the terminal thinks. Half a character is written as JSON writes it: \\ud800."""
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(encoding="utf-8", errors="backslashreplace")
    return out
