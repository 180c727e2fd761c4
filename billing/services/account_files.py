"""A customer's account statement as a file: made anew each time and never kept, for the journal has it all."""

from __future__ import annotations

import hashlib
from datetime import date

from billing.models import Customer
from billing.selectors.account_paper import account_paper
from billing.selectors.statement import statement
from billing.services.files import File, safe_name


def account_file(customer: Customer, currency: str, since: date, until: date) -> File:
    """Both days included. The same journal is the same bytes."""
    from billing.paper.pdf.account import account_pdf  # with fpdf2, Pillow and fontTools, for those alone who make one

    content = account_pdf(account_paper(statement(customer, currency, since, until)))
    name = safe_name(f"statement-{customer.code}-{currency}-{since}-{until}")
    return File(f"{name}.pdf", "application/pdf", content, hashlib.sha256(content).hexdigest(), kept=False)
