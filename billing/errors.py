"""What can be wrong with what is to be billed."""

from __future__ import annotations

from collections.abc import Sequence

from queues.errors import FieldError, PermanentError


class CannotPrice(PermanentError):
    """`field` is the path of what is wrong ("lines.0.quantity"); the message says what would be right."""

    code = "cannot_price"

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"{field}: {message}" if field else message)


class WrongFields(PermanentError):
    """What somebody wants to store is wrong: each field by its path ("rules.0.amount"; "" is the whole), nothing is stored."""

    code = "invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__(
            "; ".join(f"{each.field}: {each.message}" if each.field else each.message for each in self.errors)
        )

    @classmethod
    def of(cls, field: str, message: str, code: str = "invalid") -> WrongFields:
        return cls([FieldError(field, message, code)])
