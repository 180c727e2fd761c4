"""What is wrong with a file, by row and field. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

SHOWN = 60  # characters of a value that was not understood


@dataclass(frozen=True, order=True)
class Problem:
    """`row` is the one that a spreadsheet shows (the header is 1; 0: the file as a whole); the message says what would be right."""

    file: str
    row: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file} row {self.row}" if self.row else self.file
        return f"{where}, {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


def wrong(field: str, message: str) -> PydanticCustomError:
    """To be raised where a row's fields do not go together."""
    return PydanticCustomError("wrong", "{words}", {"field": field, "words": message})


def shown(value: Any) -> str:
    """A value as it is quoted in a message."""
    text = str(value)
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
