"""What can be wrong with what is to be billed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from queues.errors import FieldError, NotAllowed, PermanentError, WrongState

NAMED = 5  # of many that were refused


class CannotCharge(PermanentError):
    """Why nothing is charged, or given back: in words for whoever asked for it. Nothing was sent."""

    code = "cannot_charge"


class CannotPrice(PermanentError):
    """`field` is the path of what is wrong ("lines.0.quantity"); the message says what would be right."""

    code = "cannot_price"

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"{field}: {message}" if field else message)


class NoSeller(PermanentError):
    """Nobody is there to bill: the seller's row is missing."""

    code = "no_seller"

    def __init__(self) -> None:
        super().__init__("There is no seller: enter who bills, with its currency, first.")


class UnknownRun(PermanentError):
    """No billing run bears this code."""

    code = "unknown_billing_run"

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no billing run {code!r}.")


class WrongRunState(WrongState):
    """The verb does not apply to a billing run (or a period in it) as it is now; the message says what would be first."""

    permanent = True


class StalePreview(WrongRunState):
    """What is to be approved is not what there is any more."""

    code = "stale_preview"


class NotAsApproved(WrongRunState):
    """Drafts whose rows are not those that were approved: they are not made final. `why` by document."""

    code = "not_as_approved"

    def __init__(self, why: Mapping[UUID, str]) -> None:
        self.why = dict(why)
        more = f" And {len(why) - NAMED} more." if len(why) > NAMED else ""
        super().__init__(" ".join(list(self.why.values())[:NAMED]) + more)


class SecondPerson(NotAllowed):
    """So much money takes a second person."""

    code = "second_person"


class CannotSettle(WrongState):
    """An amount that does not fit what is open, or a document that is past it; the message says what would fit."""

    code = "cannot_settle"


class StatementUnreadable(PermanentError):
    """A bank statement that cannot be read: nothing of it was kept. The message names the line and the field."""

    code = "statement_unreadable"


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
