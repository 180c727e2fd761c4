"""The journal by account."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import QuerySet, Sum

from billing.models import Entry


@dataclass(frozen=True)
class AccountSum:
    """What the entries in question debit and credit an account, in one currency. Minor units."""

    currency: str
    account: str
    debit_minor: int
    credit_minor: int

    @property
    def balance_minor(self) -> int:
        """Debit less credit."""
        return self.debit_minor - self.credit_minor


def names() -> list[str]:
    """Of all accounts there are."""
    found = set(Entry.objects.order_by().values_list("debit", flat=True).distinct())
    return sorted(found | set(Entry.objects.order_by().values_list("credit", flat=True).distinct()))


def sums(entries: QuerySet[Entry]) -> list[AccountSum]:
    """By currency and account; in each currency the balances sum to zero. Two queries."""
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for place, side in enumerate(("debit", "credit")):
        rows = entries.order_by().values_list("currency", side).annotate(sum=Sum("amount_minor"))
        for currency, account, amount in rows:
            found[currency, account][place] += int(amount)
    return [AccountSum(currency, account, *both) for (currency, account), both in sorted(found.items())]
