"""What all rows have in common. Pure."""

from __future__ import annotations

from typing import Any, ClassVar

import pydantic


class Row(pydantic.BaseModel):
    """One row of a file. `key` names the fields that tell it apart, `refers` those that hold the code of another table's row.

    A name that nobody knows is refused. Made by a program, it takes typed values; from a file, texts."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    file: ClassVar[str]
    key: ClassVar[tuple[str, ...]] = ("code",)
    refers: ClassVar[dict[str, str]] = {}

    @property
    def id(self) -> str:
        """Its key, as it is told: "W-7", or "AT standard 2026-01-01"."""
        return " ".join(str(getattr(self, name)) for name in self.key)

    def values(self) -> dict[str, Any]:
        """Field → typed value, in the order of the columns."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    @classmethod
    def columns(cls) -> list[str]:
        return list(cls.model_fields)
