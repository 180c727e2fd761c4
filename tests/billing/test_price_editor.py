"""The editor of prices: cards with fields, errors beside them, buttons that work without scripts, and the what-if."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import PriceList, PriceVersion, Service
from billing.price_rules import proved, stored
from billing.selectors.what_if import last_month, what_if
from billing.what_if import words
from queues.models import AuditEntry
from tests.billing import makers as m

pytestmark = pytest.mark.django_db
MORE = [
    *m.RULES,
    {"rule": "tonnage", "code": "tonnes", "title": "Tonnage", "per_tonne": "80", "included_t": "1.5", "scope": "pooled"},
    {"rule": "rental", "code": "rental", "title": "Rental", "per_day": "1.25", "first_day": False, "last_day": True},
    {"rule": "minimum", "code": "least", "title": "Minimum", "amount": "50", "of": ["pick_up"]},
    {"rule": "discount", "code": "off", "title": "Rebate", "percent": "5", "of": ["base", "pick_up"]},
    {"rule": "fuel", "code": "fuel", "title": "Fuel", "base": "1.50", "step": "0.05", "percent_per_step": "0.5", "of": ["pick_up"]},
]  # fmt: skip


@pytest.fixture
def listed() -> PriceList:
    return m.a_price_list(rules=MORE)


def fields_of(page: str) -> dict[str, Any]:
    """What a browser would post of the form as it stands there."""
    from html.parser import HTMLParser

    found: dict[str, list[str]] = {}

    class Reader(HTMLParser):
        select: str | None = None
        inert = 0

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            each = dict(attrs)
            if tag == "template":
                self.inert += 1
            if self.inert or "disabled" in each:
                return
            if tag == "select":
                self.select = each.get("name")
            elif tag == "option" and self.select and "selected" in each:
                found.setdefault(self.select, []).append(each["value"])
            elif (
                tag == "input"
                and each.get("name")
                and (each.get("type") not in ("checkbox", "radio") or "checked" in each)
            ):
                found.setdefault(each["name"], []).append(
                    each.get("value", "on" if each.get("type") == "checkbox" else "")
                )

        def handle_endtag(self, tag: str) -> None:
            if tag == "template":
                self.inert -= 1
            elif tag == "select":
                self.select = None

    start = page.index('id="price-editor"')
    Reader().feed(page[start:])
    return found


def editor(listed: PriceList) -> str:
    return f"/admin/billing/priceversion/{listed.versions.get().pk}/change/"


def test_what_stands_in_the_cards_is_what_is_stored(as_: Any, listed: PriceList) -> None:
    browser = as_("manager")
    posted = fields_of(browser.get(editor(listed)).content.decode())
    assert (
        posted["rule"][0] == "0:base_fee"
        and posted["r3-per_tonne"] == ["80"]
        and posted["r6-of"] == ["base", "pick_up"]
    )
    answer = browser.post(editor(listed), {**posted, "do": "save", "note": "Looked through"})
    assert answer.status_code == 302, re.findall(r'rm-error[^<]*|alert">.*', answer.content.decode())
    version = PriceVersion.objects.get()
    assert proved(version.rules) == proved(MORE) and version.note == "Looked through"
    assert [entry.action for entry in AuditEntry.objects.all()] == ["price_version.change"]


def test_an_error_stands_beside_its_field_and_nothing_is_stored_or_lost(as_: Any, listed: PriceList) -> None:
    browser = as_("manager")
    posted = fields_of(browser.get(editor(listed)).content.decode())
    posted |= {"r1-amount": "cheap", "r2-title": "", "r5-of": ["tonnes", "fuel"], "do": "save"}
    page = browser.post(editor(listed), posted).content.decode()
    assert "Nothing was stored." in page and "Give a number, like 12.50." in page and "This is missing." in page
    assert fields_of(page)["r1-amount"] == ["cheap"]
    posted |= {"r1-amount": "25", "r2-title": "Extra"}
    assert "cannot count &#x27;fuel&#x27;" in browser.post(editor(listed), posted).content.decode()
    assert stored(proved(PriceVersion.objects.get().rules)) == stored(proved(MORE)) and not AuditEntry.objects.exists()


def test_rules_are_added_moved_and_removed_without_a_script_and_nothing_is_stored_by_it(
    as_: Any, listed: PriceList
) -> None:
    browser, path = as_("manager"), editor(listed)
    posted = fields_of(browser.get(path).content.decode())

    def press(do: str, **more: Any) -> list[str]:
        nonlocal posted
        page = browser.post(path, {**posted, "do": do, **more}).content.decode()
        posted = fields_of(page)
        assert "Not stored yet." in page
        return list(posted["rule"])

    assert press("add", kind="pick_up")[-1] == "8:pick_up" and posted["r8-code"] == ["pick_up_2"]
    assert press("up:8")[-2] == "8:pick_up"
    assert press("down:8")[-1] == "8:pick_up"
    assert press("up:0")[0] == "0:base_fee"
    assert "2:extra" not in press("gone:2")
    assert proved(PriceVersion.objects.get().rules) == proved(MORE) and not AuditEntry.objects.exists()
    assert browser.post(path, {**posted, "r8-amount": "3", "do": "save"}).status_code == 302
    assert [rule["code"] for rule in PriceVersion.objects.get().rules][-1] == "pick_up_2"


def test_new_prices_begin_with_those_in_force_and_end_them(as_: Any, listed: PriceList) -> None:
    browser, path = as_("manager"), f"/admin/billing/priceversion/add/?price_list={listed.pk}"
    posted = fields_of(browser.get(path).content.decode())
    assert len(posted["rule"]) == len(MORE) and "valid_until" not in posted
    assert (
        browser.post(path, {**posted, "valid_from": "2027-01-01", "r0-amount": "110", "why": "New year"}).status_code
        == 302
    )
    old, new = PriceVersion.objects.order_by("valid_from")
    assert old.valid_until == new.valid_from == date(2027, 1, 1) and new.rules[0]["amount"] == "110"
    assert browser.get("/admin/billing/priceversion/add/").url == "/admin/billing/pricelist/"
    page = browser.get(f"/admin/billing/pricelist/{listed.pk}/change/").content.decode()
    assert "Base fee: amount 100.00 → 110" in page


def test_billed_prices_are_shown_and_only_their_end_is_changed(as_: Any, listed: PriceList) -> None:
    service = m.a_service(m.a_contract(), price_list=listed)
    m.a_final_invoice(customer=service.contract.customer, contract=service.contract)
    browser = as_("manager")
    page = browser.get(editor(listed)).content.decode()
    assert (
        "they stay as they are" in page
        and '<fieldset class="rm-stack" id="rules" disabled>' in page
        and "Add a rule" not in page
    )
    answer = browser.post(
        editor(listed),
        {"valid_from": "2020-01-01", "valid_until": "2026-12-01", "rule": "0:base_fee", "r0-amount": "1"},
    )
    assert answer.status_code == 302
    version = PriceVersion.objects.get()
    assert (version.valid_from, version.valid_until) == (date(2026, 1, 1), date(2026, 12, 1)) and proved(
        version.rules
    ) == proved(MORE)
    refused = browser.post(editor(listed), {"valid_until": "2026-10-15"}).content.decode()
    assert "begins on 2026-11-01 or later" in refused
    assert (
        "Final documents were made"
        in browser.post(editor(listed).replace("change", "delete"), {"why": ""}).content.decode()
    )


# --- what would this have cost ---


@pytest.fixture
def october() -> Service:
    """Two contracts on the list: one with four visits and an extra one, one with a visit only."""
    listed = m.a_price_list()
    busy, quiet = (m.a_service(m.a_contract(code), price_list=listed) for code in ("K-busy", "K-quiet"))
    for day in (5, 12, 19, 26):
        m.a_visit(busy, date(2026, 10, day))
    m.a_visit(busy, date(2026, 10, 20), extra=True)
    m.a_visit(quiet, date(2026, 10, 5))
    return busy


def test_the_what_if_rates_the_month_twice_and_tells_the_biggest_change_first(october: Service) -> None:
    dearer = proved([m.RULES[0], {**m.RULES[1], "amount": "27.50"}, {**m.RULES[2], "amount": "30.00"}])
    found = what_if(october.price_list, dearer, m.OCTOBER)
    assert [(each.name, each.before, each.after) for each in found.charges] == [
        ("Pick-up", Decimal("125.00"), Decimal("137.50")), ("Extra pick-up", Decimal("40.00"), Decimal("30.00")),
        ("Base fee", Decimal("200.00"), Decimal("200.00")),
    ]  # fmt: skip
    assert [(each.name, each.by) for each in found.contracts] == [
        ("K-quiet", Decimal("2.50")),
        ("K-busy", Decimal("0.00")),
    ]
    assert words(found, "EUR") == "2.50 EUR more (+0.7 %) than it was: 1 of 2 contracts would have paid another amount."
    assert october.price_list.versions.get().rules == m.RULES


def test_the_what_if_of_the_same_prices_changes_nothing(october: Service) -> None:
    assert words(what_if(october.price_list, proved(m.RULES), m.OCTOBER), "EUR") == "Nothing would have changed."
    assert words(what_if(october.price_list, proved(m.RULES), date(2020, 1, 1)), "EUR").startswith("Nothing was served")


def test_the_what_if_asks_of_the_month_that_was_billed_last(october: Service) -> None:
    assert last_month(october.price_list, date(2026, 11, 26)) == m.OCTOBER
    m.a_final_invoice(
        customer=october.contract.customer,
        contract=october.contract,
        period_start=date(2026, 8, 1),
        period_end=date(2026, 9, 1),
    )
    assert last_month(october.price_list, date(2026, 11, 26)) == date(2026, 8, 1)


def test_what_cannot_be_priced_is_set_aside_with_its_reason(october: Service) -> None:
    with_fuel = proved(
        [
            *m.RULES,
            {
                "rule": "fuel",
                "code": "fuel",
                "title": "Fuel",
                "base": "1",
                "step": "1",
                "percent_per_step": "1",
                "of": ["base"],
            },
        ]
    )
    found = what_if(october.price_list, with_fuel, m.OCTOBER)
    assert found.services == 0 and [code for code, _ in found.set_aside] == ["K-busy/1", "K-quiet/1"]
    assert "No fuel index is published" in found.set_aside[0][1]


def test_a_quarter_counts_in_the_month_in_which_it_ends(october: Service) -> None:
    m.a_service(m.a_contract("K-quarter", every="quarter"), price_list=october.price_list)
    rules = proved([{**m.RULES[0], "amount": "130.00"}])
    found = {each.name: each.by for each in what_if(october.price_list, rules, date(2026, 9, 1)).contracts}
    assert found["K-quarter"] == Decimal("30.00")
    assert "K-quarter" not in {each.name for each in what_if(october.price_list, rules, m.OCTOBER).contracts}


def test_the_what_if_takes_as_many_queries_for_many_contracts_as_for_two(october: Service) -> None:
    rules = proved(m.RULES)
    counts = []
    for more in (0, 6):
        for n in range(more):
            m.a_visit(m.a_service(m.a_contract(f"K-{n}"), price_list=october.price_list), date(2026, 10, 5))
        with CaptureQueriesContext(connection) as seen:
            what_if(october.price_list, rules, m.OCTOBER)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 14


def test_the_editor_answers_the_what_if_and_stores_nothing(as_: Any, october: Service) -> None:
    browser, path = as_("manager"), editor(october.price_list)
    posted = fields_of(browser.get(path).content.decode())
    page = browser.post(path, {**posted, "r1-amount": "27.50", "do": "ask", "month": "2026-10"}).content.decode()
    assert (
        "October 2026: 12.50 EUR more (+3.4 %)" in page
        and "377.50 EUR" in page
        and "+10.00 EUR" in page
        and "bi-pair" in page
    )
    assert fields_of(page)["r1-amount"] == ["27.50"]
    assert "At least 0." in browser.post(path, {**posted, "r1-amount": "-1", "do": "ask"}).content.decode()
    assert october.price_list.versions.get().rules == m.RULES and not AuditEntry.objects.exists()
