"""One small tree of errors. `permanent` says whether another attempt could help; nothing is guessed from text.

A handler may raise any of these (or its domain's subclasses). How every other exception is judged is data: see
queues.ledger.error_table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One wrong value: the field's path ("stops.0.load"), what is wrong, and the code of the rule."""

    field: str
    message: str
    code: str = "invalid"


class RoundsmanError(Exception):
    """The root. `code` is stable and appears in the API; `permanent` errors are never retried."""

    code = "error"
    permanent = False


class TransientError(RoundsmanError):
    """Something outside is away or busy: another attempt may succeed."""

    code = "transient"


class RateLimited(TransientError):
    """More was asked for than is allowed in the time; `after_s`: whole seconds until it would be let through; `bucket`: of what."""

    code = "rate_limited"

    def __init__(self, message: str, after_s: int, bucket: str = "") -> None:
        self.after_s, self.bucket = after_s, bucket
        super().__init__(message)


class LimitsUnavailable(TransientError):
    """What may only be done when it is counted cannot be counted now."""

    code = "limits_unavailable"


class PermanentError(RoundsmanError):
    """Another attempt would fail the same way: the run goes to the dead letters at once."""

    code = "permanent"
    permanent = True


class UnknownJob(PermanentError):
    """No handler bears this name."""

    code = "unknown_job"

    def __init__(self, name: str, suggestion: str | None = None) -> None:
        self.name, self.suggestion = name, suggestion
        hint = f" Did you mean {suggestion!r}?" if suggestion else ""
        super().__init__(f"There is no job named {name!r}.{hint}")


class UnknownQueue(PermanentError):
    """No queue bears this name."""

    code = "unknown_queue"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        super().__init__(f"There is no queue named {name!r}. The queues are: {', '.join(known)}.")


class InvalidParams(PermanentError):
    """Parameters that do not fit the handler's declaration; `errors` names each field."""

    code = "invalid_params"

    def __init__(self, job: str, errors: Sequence[FieldError]) -> None:
        self.job, self.errors = job, list(errors)
        listed = "; ".join(f"{e.field or 'parameters'}: {e.message}" for e in self.errors)
        super().__init__(f"The parameters of {job} are not valid: {listed}")


class TooLarge(PermanentError):
    """Parameters or a result over the size limit."""

    code = "too_large"


class NotAllowed(PermanentError):
    """The actor's roles do not reach this far."""

    code = "not_allowed"


class WrongState(RoundsmanError):
    """The verb does not apply to a run (or queue, or schedule) in its present state."""

    code = "wrong_state"


class InUse(WrongState):
    """It is not deleted, for something refers to it; the message says what to do instead."""

    code = "in_use"


class Disabled(RoundsmanError):
    """The definition, queue or job is switched off; the message says who can switch it on."""

    code = "disabled"


class IdempotencyConflict(PermanentError):
    """The same idempotency key came with other contents."""

    code = "idempotency_conflict"


class LeaseLost(PermanentError):
    """This execution no longer holds its run's lease: another worker has it. Nothing it writes counts."""

    code = "lease_lost"


class RunTimeout(RoundsmanError):
    """The run took longer than its definition allows. Raised inside the handler."""

    code = "timeout"


class RunCancelled(RoundsmanError):
    """Somebody cancelled the run while it was running. Raised inside the handler by `ctx.checkpoint()` or by force."""

    code = "cancelled"
    permanent = True


class WorkerStopping(RoundsmanError):
    """The worker's grace period is over; the run goes back to its queue and no attempt is charged."""

    code = "worker_stopping"


CHILD_DIED, MEMORY_LIMIT = "child_died", "memory_limit"  # error codes of runs whose child process died
