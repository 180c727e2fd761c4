"""What can go wrong in route planning. Every one is permanent: the same file and the same rules fail the same way again."""

from __future__ import annotations

from collections.abc import Sequence

from queues.errors import PermanentError


class RoutingError(PermanentError):
    """The root of this domain's errors."""

    code = "routing"


class InstanceUnreadable(RoutingError):
    """A waste-collection file that cannot be understood; says which line and what was expected there."""

    code = "instance_unreadable"

    def __init__(self, source: str, what: str, line: int | None = None) -> None:
        self.source, self.line = source, line
        place = f"{source}, line {line}" if line is not None else source
        super().__init__(f"{place}: {what}")


class UnknownArea(RoutingError):
    """No service area bears this name."""

    code = "unknown_area"

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        self.name = name
        listed = f" The areas are: {', '.join(known)}." if known else " There are no areas yet: add one first."
        super().__init__(f"There is no service area named {name!r}.{listed}")


class PlanInfeasible(RoutingError):
    """No plan that keeps every rule could be found; `breaches` says which rules the best attempt broke."""

    code = "plan_infeasible"

    def __init__(self, what: str, breaches: Sequence[str] = ()) -> None:
        self.breaches = list(breaches)
        listed = f" What was broken: {'; '.join(self.breaches[:5])}." if self.breaches else ""
        super().__init__(f"{what}{listed}")


class SolverFailed(RoutingError):
    """The solver's processes ended without any answer, which a shortage of memory or a broken installation explains."""

    code = "solver_failed"
    permanent = False
