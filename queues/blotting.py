"""Sealed values made unreadable in what a handler says: its log, its errors and tracebacks, its notes and results. Pure.

Found are the values themselves, in whatever case, and as they look in a repr, in JSON, in a URL, as bare digits (telephone numbers),
and, of long ones, their beginnings and ends (libraries cut them in their messages). Values of fewer than four characters are not
looked for: they are in every other word.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any
from urllib.parse import quote, quote_plus

LEAST = 4  # characters
PIECE = 12  # characters of a long value that give it away
BLOT = "•••"
Json = Any


class Blotter:
    """Of these values: texts, numbers, and whatever lists and dictionaries of them hold."""

    def __init__(self, values: Iterable[Json]) -> None:
        self._texts = {text for value in values for text in _leaves(value) if len(text) >= LEAST}

    def __bool__(self) -> bool:
        return bool(self._texts)

    def text(self, said: str) -> str:
        return self._pattern.sub(BLOT, said) if self._texts else said

    def json(self, value: Json) -> Json:
        """Names and values, at any depth. A number that is one of the values becomes a text."""
        if not self._texts or value is None or isinstance(value, bool):
            return value
        if isinstance(value, dict):
            return {self.text(key) if isinstance(key, str) else key: self.json(held) for key, held in value.items()}
        if isinstance(value, list | tuple):
            return [self.json(held) for held in value]
        if isinstance(value, int | float):
            return BLOT if str(value) in self._texts else value
        return self.text(value) if isinstance(value, str) else value

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Made when somebody says something. The longest match counts, so nothing of a value is left over."""
        forms = {form for text in self._texts for form in _forms(text) if len(form) >= LEAST}
        return re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))), re.IGNORECASE)


NOTHING = Blotter(())
_now: ContextVar[Blotter] = ContextVar("blotter", default=NOTHING)


@contextmanager
def blotted(blotter: Blotter) -> Iterator[None]:
    """What is logged in here, by this thread or task, is blotted by `LogFilter`."""
    token = _now.set(blotter)
    try:
        yield
    finally:
        _now.reset(token)


class LogFilter(logging.Filter):
    """For the handlers of the standard library's logging: the handler of a run may use that, too."""

    def filter(self, record: logging.LogRecord) -> bool:
        blotter = _now.get()
        if blotter:
            record.msg, record.args = blotter.text(record.getMessage()), ()
            if record.exc_info and record.exc_info[0] is not None:
                record.exc_text, record.exc_info = "".join(traceback.format_exception(*record.exc_info)), None
            record.exc_text = blotter.text(record.exc_text) if record.exc_text else record.exc_text
        return True


def _leaves(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    elif isinstance(value, str):
        yield value
        yield value.strip()
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _forms(text: str) -> Iterator[str]:
    """How a value may be written."""
    spellings = {text, repr(text)[1:-1], json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    spellings |= {quote(text), quote(text, safe=""), quote_plus(text), " ".join(text.split())}
    yield from spellings
    digits = "".join(re.findall(r"\d", text))
    if len(digits) >= 7:
        yield digits
    for spelling in {text, repr(text)[1:-1]}:
        for length in range(PIECE, min(len(spelling), 80)):
            yield spelling[:length]
            yield spelling[-length:]
