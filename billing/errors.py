"""What can be wrong with what is to be billed."""

from __future__ import annotations

from queues.errors import PermanentError


class CannotPrice(PermanentError):
    """`field` is the path of what is wrong ("lines.0.quantity"); the message says what would be right."""

    code = "cannot_price"

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"{field}: {message}" if field else message)


class UnknownRun(PermanentError):
    """No billing run bears this code."""

    code = "unknown_billing_run"

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no billing run {code!r}.")
