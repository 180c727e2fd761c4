"""A job's parameters as its schema has them in JSON: the declarations would take false for 0 and "5" for 5, as forms send it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from queues.contract import Json
from queues.errors import FieldError, InvalidParams
from queues.registry import JobSpec


def dumped(spec: JobSpec[Any], given: Mapping[str, Any]) -> dict[str, Json]:
    """The parameters as they are stored. Raises InvalidParams (also where a value became one of another type), TooLarge."""
    stored = spec.dump(spec.validate(given))
    if wrong := list(_changed(spec.opened(given), spec.opened(stored), "")):
        raise InvalidParams(spec.name, wrong)
    return stored


def _changed(given: Any, stored: Json, path: str) -> Iterator[FieldError]:
    if isinstance(given, Mapping) and isinstance(stored, dict):
        for name in given.keys() & stored.keys():
            yield from _changed(given[name], stored[name], f"{path}.{name}".lstrip("."))
    elif isinstance(given, list) and isinstance(stored, list):
        for number, (one, other) in enumerate(zip(given, stored, strict=False)):
            yield from _changed(one, other, f"{path}.{number}")
    elif isinstance(given, bool) is not isinstance(stored, bool) and given is not None and stored is not None:
        yield FieldError(path, f"Input should be {_NAMES[type(stored)]}", "wrong_type")
    elif isinstance(given, str) and isinstance(stored, int | float):
        yield FieldError(path, "Input should be a number, without quotes", "wrong_type")
    elif isinstance(given, int | float) and isinstance(stored, str) and not _NUMBER.fullmatch(stored):  # a moment
        yield FieldError(path, "Input should be a text", "wrong_type")


_NUMBER = re.compile(r"-?[0-9.]+([eE][+-]?[0-9]+)?")  # a Decimal is told as text
_NAMES: dict[type[Any], str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}
