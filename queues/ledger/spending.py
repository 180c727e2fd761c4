"""What callers of the API spend of their limits: the words for it, and the counting in the database.

Redis counts (queues.engine.quotas); this is for what must be counted while it is away.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from queues import rates
from queues.ledger import clock
from queues.models import Spending
from queues.rates import Rate


@dataclass(frozen=True)
class Charge:
    """`cost` of a bucket that `who` ("user:7", "key:ab12", "address:192.0.2.1") may use up to `rate`."""

    bucket: str
    who: str
    rate: Rate
    cost: int = 1

    @property
    def name(self) -> str:
        """Where it is counted. Another period is another count."""
        return f"{self.bucket}:{self.rate.period_s:g}:{self.who}"


@dataclass(frozen=True)
class Balance:
    """How a charge's bucket stands. `left`: what it still holds. `wait_s`: until it holds more, or, where the charge
    does not fit, until it would."""

    charge: Charge
    left: int
    wait_s: float
    fits: bool = True


def spend_stored(charge: Charge) -> Balance:
    """Count a charge in the database, unless it does not fit: then nothing is counted. Exact over all processes.

    Not for a caller's transaction: whatever it counted would be taken back with it. Raises DatabaseError.
    """
    rate = charge.rate
    with transaction.atomic():
        Spending.objects.bulk_create([Spending(who=charge.name)], ignore_conflicts=True)
        row = Spending.objects.select_for_update().get(pk=charge.name)  # one after the other
        now_s = clock.now().timestamp()
        left = rates.room(rate, row.grants, now_s)
        if charge.cost > left:
            return Balance(charge, left, rates.free_in_s(rate, row.grants, now_s, charge.cost), fits=False)
        row.grants = rates.granted(rate, row.grants, now_s, charge.cost)
        row.save(update_fields=["grants"])
    return Balance(charge, left - charge.cost, rates.wait_s(rate, row.grants, now_s))
