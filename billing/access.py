"""Who may see and do what with money: whoever may run the jobs of the billing queue. See queues.policy."""

from __future__ import annotations

from typing import Any

from queues import policy

QUEUE = "billing"


def may_bill(user: Any) -> bool:
    """See customers, contracts, documents and payments, and work on them."""
    return policy.may(user, policy.Action.ENQUEUE, queue=QUEUE)
