"""`manage.py quote CASE.json [--lines]`: one self-contained case, priced. Needs no settings and no database."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, NoReturn, TextIO

from billing.quoting import quote

WRONG = 2


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
    out, failed = out or sys.stdout, False
    try:
        texts = _texts(options.case, source or sys.stdin, options.lines)
        for answer in map(answer_to, texts):
            failed = failed or "error" in answer
            out.write(json.dumps(answer, ensure_ascii=False) + "\n")
    except OSError as error:
        sys.stderr.write(f"{options.case} cannot be read: {error.strerror}.\n")
        return WRONG
    except UnicodeDecodeError:
        sys.stderr.write(f"{options.case} is not UTF-8 text.\n")
        return WRONG
    return WRONG if failed else 0


def answer_to(text: str) -> dict[str, Any]:
    """The answer to a case as it was written."""
    try:
        given = json.loads(text, parse_float=_no_float, parse_constant=_no_float, object_pairs_hook=_once)
    except RecursionError:
        return _unreadable("This is nested too deeply for a case.")
    except ValueError as error:
        return _unreadable(str(error) if isinstance(error, Twice) else f"This is not JSON: {error}.")
    return quote(given)


class Twice(ValueError):
    """A name that comes twice in an object: nobody can tell which is meant."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise Twice(f"The name {next(name for name in names if names.count(name) > 1)!r} comes twice.")
    return found


def _no_float(text: str) -> Decimal:
    """Kept as it was written, for the validation to refuse by its field."""
    return Decimal(text.replace("Infinity", "inf"))


def _unreadable(message: str) -> dict[str, Any]:
    return {"case": None, "error": {"field": "", "message": message}}


def _texts(path: str, source: TextIO, lines: bool) -> Iterator[str]:
    if path == "-":
        yield from _parts(source, lines)
        return
    with open(path, encoding="utf-8") as file:
        yield from _parts(file, lines)


def _parts(file: Iterable[str], lines: bool) -> Iterator[str]:
    if lines:
        yield from (line for line in file if line.strip())
    else:
        yield "".join(file)
