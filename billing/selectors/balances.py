"""What customers owe, by their documents; and the proof that the journal says the same."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import F, Q, Sum
from django.db.models.expressions import Combinable

from billing.models import Customer, Document, Entry, Payment, Standing


@dataclass(frozen=True)
class Balance:
    """Minor units. `open`: on invoices; `payments` and `credit_notes`: what of them is set against nothing."""

    customer_id: int
    currency: str
    open: int = 0
    payments: int = 0
    credit_notes: int = 0

    @property
    def owed(self) -> int:
        return self.open - self.payments - self.credit_notes


@dataclass(frozen=True)
class Difference:
    customer_id: int
    currency: str
    documents: int
    journal: int


RECEIVABLE, BAD_DEBT = "receivable", "bad_debt"
Account = tuple[int, str]  # customer, currency


def of(customer: Customer) -> list[Balance]:
    """By currency."""
    return sorted(_by_documents(Q(customer=customer)).values(), key=lambda each: each.currency)


def differences() -> list[Difference]:
    """Where the journal's receivable is not what documents and payments come to: nowhere, or something is broken. Reads everything."""
    documents, journal = _by_documents(Q()), receivable(Q())
    found = [
        Difference(*account, documents[account].owed if account in documents else 0, journal.get(account, 0))
        for account in sorted({*documents, *journal})
    ]
    return [each for each in found if each.documents != each.journal]


def receivable(which: Q) -> dict[Account, int]:
    """By the journal: what was debited less what was credited, of the entries that `which` names."""
    found: dict[Account, int] = defaultdict(int)
    for side, sign in (("debit", 1), ("credit", -1)):
        for customer, currency, amount in _sums(Entry, which & Q(**{side: RECEIVABLE}), F("amount_minor")):
            found[customer, currency] += sign * amount
    return dict(found)


def _by_documents(which: Q) -> dict[Account, Balance]:
    open_now = F("gross_minor") - F("credited_minor") - F("paid_minor") - F("written_off_minor")
    parts = {
        "open": _sums(Standing, which & Q(kind=Document.Kind.INVOICE), open_now),
        "credit_notes": _sums(Standing, which & Q(kind=Document.Kind.CREDIT_NOTE), open_now),
        "payments": _sums(
            Payment, which & Q(state=Payment.State.SUCCEEDED), F("amount_minor") - F("allocated_minor") - F("refunded_minor")
        ),
    }  # fmt: skip
    sums: dict[Account, dict[str, int]] = {}
    for name, rows in parts.items():
        for customer, currency, amount in rows:
            sums.setdefault((customer, currency), {})[name] = amount
    return {
        account: Balance(*account, mine.get("open", 0), mine.get("payments", 0), mine.get("credit_notes", 0))
        for account, mine in sums.items()
    }


def _sums(
    model: type[Standing] | type[Payment] | type[Entry], which: Q, amount: Combinable
) -> list[tuple[int, str, int]]:
    rows = model._default_manager.filter(which).order_by().values_list("customer", "currency")
    return list(rows.annotate(sum=Sum(amount)))
