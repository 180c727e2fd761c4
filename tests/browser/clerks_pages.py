"""Billing's pages as a clerk uses them: where things are, and what is done with them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from billing.samples.calendar import shifted

from .conftest import Visit

LOOKS = (("light", 1360), ("dark", 1360), ("light", 390))


def looked_at(visit: Visit, name: str, path: str) -> None:
    """In every look; nothing is wider than the screen."""
    for scheme, width in LOOKS:
        visit.page.set_viewport_size({"width": width, "height": 900})
        visit.page.evaluate("s => localStorage.setItem('adminTheme', JSON.stringify(s))", scheme)
        visit.go(path)
        visit.shot(f"month-{name}-{scheme}-{width}")
        wide = visit.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} wide on {width}"
    visit.page.set_viewport_size({"width": 1360, "height": 900})
    visit.page.evaluate("localStorage.setItem('adminTheme', JSON.stringify('light'))")


def prepared(visit: Visit, month: date) -> str:
    """The path of the run's page, when a worker has drafted it."""
    page = visit.page
    visit.go("/admin/billing/billingrun/")
    page.click("text=Prepare a run")
    for name in ("through", "issue_date"):
        page.fill(f"[name={name}]", shifted(month, 1).isoformat())
    page.click("button:has-text('Prepare it')")
    page.locator("#run-approve").wait_for(timeout=40_000)
    return str(page.url).removeprefix(visit.demo.address).partition("?")[0]


def item(page: Any, customer: str) -> Any:
    return page.locator("article.bi-item", has_text=customer)


def to_be_paid(page: Any) -> int:
    """In cents, as the document's page says."""
    told = page.locator("#standing .bi-total .rm-num").inner_text()
    return int(re.sub(r"\D", "", told))


def import_of_the_bank(visit: Visit, folder: Path, number: str) -> None:
    """One booking that names the invoice, one that nobody can match."""
    page, file = visit.page, folder / "bank.csv"
    file.write_text(
        "booked_on,amount,currency,payer,account,text,reference\n"
        f"{date.today()},20.00,EUR,Klinikum Nord,,{number},B-1\n"
        f"{date.today()},33.00,EUR,Unbekannt,,Danke,B-2\n"
    )
    visit.go("/admin/billing/bankline/import/")
    page.set_input_files("[name=file]", file)
    page.uncheck("[name=dry_run]", force=True)
    page.click("text=Read the file")
    page.locator("#report").wait_for()
    told = page.locator("#report tbody tr").all_inner_texts()
    visit.shot("month-bank-report")
    assert number in told[0], told
