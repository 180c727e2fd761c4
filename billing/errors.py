"""What can be wrong with what is to be billed."""

from __future__ import annotations

from queues.errors import PermanentError, WrongState


class CannotPrice(PermanentError):
    """`field` is the path of what is wrong ("lines.0.quantity"); the message says what would be right."""

    code = "cannot_price"

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"{field}: {message}" if field else message)


class CannotSettle(WrongState):
    """An amount that does not fit what is open, or a document that is past it; the message says what would fit."""

    code = "cannot_settle"


class StatementUnreadable(PermanentError):
    """A bank statement that cannot be read: nothing of it was kept. The message names the line and the field."""

    code = "statement_unreadable"
