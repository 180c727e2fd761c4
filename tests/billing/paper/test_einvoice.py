"""EN 16931: what is told in UBL and CII breaks no rule, says every figure, and a cent of difference anywhere is found."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.errors import CannotPrice
from billing.paper import figures, proof
from billing.paper.cii import cii
from billing.paper.files import factur_x_of, ubl_of
from billing.paper.model import Paper
from billing.paper.telling import CannotTell
from billing.paper.ubl import ubl
from billing.tax import Tax
from tests.billing.paper import rules
from tests.billing.paper.papers import (
    BUYER,
    GERMAN,
    NO_RATE,
    REDUCED,
    SELLER,
    STANDARD,
    USUAL,
    a_credit_note,
    a_paper,
    all_kinds,
    of_category,
)  # fmt: skip

KINDS = all_kinds()
SYNTAXES = {"ubl": (ubl, proof.UBL), "cii": (cii, proof.CII)}
AMOUNT = re.compile(rb"<(?:cbc|ram):\w*Amount[^>]*>(-?[0-9.]+)<")


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", KINDS)
def test_no_rule_and_no_schema_is_broken(name: str, syntax: str) -> None:
    xml = SYNTAXES[syntax][0](KINDS[name])
    assert rules.schema_faults(xml) == []
    assert rules.fatal(xml, syntax) == []


@pytest.mark.parametrize("name", KINDS)
def test_a_paper_read_back_says_what_it_said(name: str) -> None:
    figures.prove(KINDS[name])
    assert ubl_of(KINDS[name]).startswith(b"<?xml")
    assert factur_x_of(KINDS[name])


@pytest.mark.parametrize("cent", ["0.01", "-0.01"])
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    "name", ["two rates and exempt", "coupon", "inclusive", "dollars abroad", "credit note", "charge"]
)
def test_a_cent_in_any_amount_is_found(name: str, syntax: str, cent: str) -> None:
    """By the house's own reading, always; by the official rules in every sum they do not round to the euro."""
    paper, (told, places) = KINDS[name], SYNTAXES[syntax]
    xml = told(paper)
    amounts = list(AMOUNT.finditer(xml))
    assert len(amounts) > 12
    for found in amounts:
        other = str(Decimal(found[1].decode()) + Decimal(cent)).encode()
        mutant = xml[: found.start(1)] + other + xml[found.end(1) :]
        with pytest.raises(proof.FigureDiffers):
            proof.prove(paper, mutant, places)


TOTALS = re.compile(
    rb"<(?:cbc|ram):(?:LineExtension|TaxExclusive|TaxInclusive|Payable|AllowanceTotal|LineTotal|TaxBasisTotal|TaxTotal|GrandTotal|DuePayable)"
    rb"Amount[^>]*>(-?[0-9.]+)<"
)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_official_rules_find_a_cent_in_every_total_and_line(syntax: str) -> None:
    xml = SYNTAXES[syntax][0](KINDS["coupon"])
    for found in TOTALS.finditer(xml):
        mutant = (
            xml[: found.start(1)] + str(Decimal(found[1].decode()) + Decimal("0.01")).encode() + xml[found.end(1) :]
        )
        assert rules.fatal(mutant, syntax), found[0]


def test_a_line_left_out_is_found() -> None:
    paper = KINDS["standard"]
    for told, places in SYNTAXES.values():
        xml = told(replace(paper, lines=paper.lines[:-1]))
        with pytest.raises(proof.FigureDiffers):
            proof.prove(paper, xml, places)


@pytest.mark.parametrize(
    "wrong",
    [
        {"net": Decimal("423.15")},
        {"tax": Decimal("84.64")},
        {"gross": Decimal("507.78")},
        {"tax_groups": [replace(KINDS["standard"].tax_groups[0], base=Decimal("423.13"))]},
        {"tax_groups": []},
    ],
)
def test_a_document_whose_sums_are_wrong_is_not_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(CannotPrice):
        ubl_of(replace(KINDS["standard"], **wrong))


# --- what cannot be told ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paper", "field"),
    [
        (replace(KINDS["standard"], number=None), "number"),
        (a_paper([("Base fee", "1", "12.345", STANDARD)], currency="BHD"), "currency"),
        (a_paper([*USUAL, ("Fine", "1", "30", NO_RATE["O"])]), "tax_groups"),
        (a_paper(seller=replace(SELLER, tax_id="")), "seller.tax_id"),
        (replace(of_category("AE"), buyer=BUYER), "buyer.tax_id"),
        (replace(of_category("K"), buyer=replace(GERMAN, tax_id="12-34")), "buyer.tax_id"),
    ],
)
def test_what_en_16931_has_no_words_for_is_refused_by_its_field(paper: Paper, field: str) -> None:
    with pytest.raises(CannotTell) as refused:
        ubl_of(paper)
    assert refused.value.field == field
    assert factur_x_of(paper) is None  # the PDF is made all the same, without


# --- single terms ----------------------------------------------------------------------------------------------------


def test_a_credit_line_has_a_negative_quantity_and_never_a_negative_price() -> None:
    text = ubl(KINDS["standard"]).decode()
    assert '<cbc:InvoicedQuantity unitCode="C62">-1</cbc:InvoicedQuantity>' in text
    assert ">-11.11</cbc:LineExtensionAmount>" in text
    assert ">11.11</cbc:PriceAmount>" in text


def test_prices_with_tax_are_told_without_it() -> None:
    """3 × 0.35 with 20 % in it are 0.87 or 0.88 net: one piece at the line's net."""
    line = KINDS["inclusive"].lines[0]
    text = ubl(KINDS["inclusive"]).decode()
    assert f">{line.net}</cbc:PriceAmount>" in text
    assert ">0.35</cbc:PriceAmount>" not in text


def test_a_credit_note_names_its_invoice_and_says_why() -> None:
    text = ubl(a_credit_note()).decode()
    assert "<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>" in text
    assert re.search(r"<cac:InvoiceDocumentReference>\s*<cbc:ID>INV-000017</cbc:ID>\s*<cbc:IssueDate>2026-11-01", text)
    assert "<cbc:Note>Two visits were billed twice.</cbc:Note>" in text
    assert "PaymentMeans" not in text


def test_reverse_charge_has_its_code_and_its_words() -> None:
    text = ubl(of_category("AE")).decode()
    assert "<cbc:TaxExemptionReasonCode>VATEX-EU-AE</cbc:TaxExemptionReasonCode>" in text
    assert "Reverse charge" in text


def test_an_exemption_is_told_in_the_documents_own_words() -> None:
    assert (
        "<cbc:TaxExemptionReason>Charity, section 6 (1) 18</cbc:TaxExemptionReason>" in ubl(of_category("E")).decode()
    )


def test_tax_is_told_in_the_sellers_currency_too() -> None:
    text = ubl(KINDS["dollars abroad"]).decode()
    assert "<cbc:TaxCurrencyCode>EUR</cbc:TaxCurrencyCode>" in text
    assert '<cbc:TaxAmount currencyID="EUR">77.22</cbc:TaxAmount>' in text  # 84.63 × 0.9125 = 77.224875


def test_characters_that_xml_cannot_say_are_left_out() -> None:
    told = ubl(a_paper(reason="", buyer=replace(BUYER, name="En\x00te\x1f & <Söhne>")))
    assert b"<cbc:RegistrationName>Ente &amp; &lt;S\xc3\xb6hne&gt;</cbc:RegistrationName>" in told


# --- whatever the lines ------------------------------------------------------------------------------------------------

TAXES = st.sampled_from([STANDARD, REDUCED, NO_RATE["E"], NO_RATE["Z"], Tax("S", Decimal("5.5"))])
QUANTITIES = st.decimals("0.001", "999", places=3)
PRICES = st.decimals("0", "9999", places=4)
LINES = st.lists(st.tuples(st.just("Pick-up"), QUANTITIES.map(str), PRICES.map(str), TAXES), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES, st.sampled_from(["exclusive", "inclusive"]), st.sampled_from(["document", "line"]), st.integers(0, 4))
def test_whatever_is_billed_breaks_no_rule(lines: list[Any], mode: str, rounding: str, credits: int) -> None:
    lines = [*lines, *((title, f"-{quantity}", price, tax) for title, quantity, price, tax in lines[:credits])]
    paper = a_paper(lines, mode=mode, rounding=rounding)
    if paper.gross < 0:
        return
    assert rules.fatal(ubl_of(paper), "ubl") == []
    xml = factur_x_of(paper)
    assert xml is not None
    assert rules.fatal(xml, "cii") == []
