"""What happened in a period, as prices are made of it: the visits to a service, and the days its container stood there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from billing.errors import CannotPrice
from billing.proration import Part, Period

Outcome = Literal["done", "missed_by_us", "missed_by_customer", "blocked"]


@dataclass(frozen=True)
class Visit:
    """`net_kg` is weighed (None: not weighed); `extra` visits are beyond the schedule. Raises CannotPrice."""

    id: str
    day: date
    outcome: Outcome = "done"
    extra: bool = False
    contaminated: bool = False
    containers: int = 1
    net_kg: Decimal | None = None

    def __post_init__(self) -> None:
        if self.net_kg is not None and self.net_kg < 0:
            raise CannotPrice(f"visits.{self.id}.net_kg", f"{self.net_kg} kg were weighed: a weight is not negative.")
        if self.containers < 1:
            raise CannotPrice(f"visits.{self.id}.containers", "A visit is to one container or more.")
        if self.net_kg is not None and self.outcome != "done":
            raise CannotPrice(
                f"visits.{self.id}.net_kg", f"The visit was {self.outcome}, and yet something was weighed."
            )


@dataclass(frozen=True)
class Stay:
    """A container stood at the site: from the day it was delivered to the day it was taken away (None: it is still there)."""

    delivered: date
    removed: date | None = None

    def __post_init__(self) -> None:
        if self.removed is not None and self.removed < self.delivered:
            raise CannotPrice(
                "stays", f"A container was taken away on {self.removed}, before it came, on {self.delivered}."
            )


@dataclass(frozen=True)
class Facts:
    """A service's period. `part` is how much of it the contract was in force. Raises CannotPrice for a visit outside of the period."""

    period: Period
    part: Part
    visits: Sequence[Visit] = ()
    stays: Sequence[Stay] = ()

    def __post_init__(self) -> None:
        for visit in self.visits:
            if not self.period.start <= visit.day < self.period.end:
                raise CannotPrice(
                    f"visits.{visit.id}.day",
                    f"{visit.day} is not in the period from {self.period.start} to {self.period.end}.",
                )

    def done(self, *, extra: bool) -> list[Visit]:
        return [visit for visit in self.visits if visit.outcome == "done" and visit.extra is extra]

    @property
    def scheduled(self) -> int:
        """Visits that were to be made."""
        return sum(not visit.extra for visit in self.visits)

    @property
    def missed_by_us(self) -> int:
        return sum(visit.outcome == "missed_by_us" and not visit.extra for visit in self.visits)

    @property
    def in_vain(self) -> list[Visit]:
        """We came, and could do nothing: the way was blocked, or the customer had not put it out."""
        return [visit for visit in self.visits if visit.outcome in ("blocked", "missed_by_customer")]

    @property
    def weighed(self) -> list[tuple[Visit, Decimal]]:
        return [(visit, visit.net_kg) for visit in self.visits if visit.net_kg is not None]
