"""Words and numbers in the customer's language."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from billing.paper import derivations
from billing.paper.model import Line
from billing.paper.speech import LOCALES, Speech
from billing.paper.texts import LANGUAGES, TEXTS
from tests.billing.paper.papers import USUAL, a_paper


def a_line(**over: object) -> Line:
    return replace(a_paper(USUAL[:1]).lines[0], **over)  # type: ignore[arg-type]


def test_every_language_has_every_text_with_the_same_values() -> None:
    for key, texts in TEXTS.items():
        assert len(texts) == len(LANGUAGES), key
        fields = [sorted(name for _, name, _, _ in string.Formatter().parse(text) if name) for text in texts]
        assert fields.count(fields[0]) == len(LANGUAGES), key


def test_every_language_has_its_numbers() -> None:
    assert set(LOCALES) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("language", "amount"), [("en", "−1,234.50"), ("de", "−1.234,50"), ("fr", "−1\u00a0234,50"), ("de-AT", "−1.234,50")]
)
def test_amounts_are_written_as_their_readers_do(language: str, amount: str) -> None:
    assert Speech(language).amount(Decimal("-1234.50")) == amount


def test_amounts_have_the_currencys_decimals() -> None:
    assert Speech("en").money(Decimal(12000), "JPY") == "12,000 JPY"
    assert Speech("en").money(Decimal("1.500"), "BHD") == "1.500 BHD"
    assert Speech("en").amount(Decimal("-0.00")) == "0.00"


@given(st.integers(-(10**15), 10**15), st.integers(0, 3), st.sampled_from(LANGUAGES))
def test_no_digit_of_an_amount_is_lost(minor: int, digits: int, language: str) -> None:
    value = Decimal(f"{minor}E-{digits}")
    told = Speech(language).amount(value)
    assert "".join(each for each in told if each.isdigit()).lstrip("0") == str(abs(minor)).lstrip("0")
    assert told.startswith("−") == (minor < 0)


@given(st.decimals("0", "999999", places=6))
def test_no_digit_of_a_quantity_is_lost(value: Decimal) -> None:
    assert Decimal(Speech("en").number(value).replace(",", "")) == value


def test_a_rate_of_exchange_has_all_its_decimals() -> None:
    assert Speech("de").rate(Decimal("0.00612345")) == "0,00612345"


def test_a_country_is_told_by_its_name() -> None:
    assert Speech("de").country("FR") == "Frankreich"
    assert Locale.parse("de").territories["FR"] == "Frankreich"


# --- derivations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "inputs", "german", "french"),
    [
        ("base_fee", {"amount": "100.00", "days": "14", "of_days": "31"}, "100,00 für 14 von 31 Tagen", "100,00 pour 14 jours sur 31"),
        ("pick_up", {"quantity": "9", "unit_price": "25.00"}, "9 Abholungen × 25,00", "9 enlèvements × 25,00"),
        ("tonnage", {"tonnes": "1.25", "per_tonne": "87.40"}, "1,25 t über der Freimenge × 87,40", "1,25 t au-delà du forfait × 87,40"),
        ("discount", {"off": "5.00", "on": "20.00"}, "5,00 Nachlass auf 20,00", "5,00 de remise sur 20,00"),
        ("discount", {"percent": "5", "on": "20.00"}, "5 % auf 20,00", "5 % de remise sur 20,00"),
        ("fuel", {"now": "12.00", "billed": "10.00"}, "neu berechnet: 12,00, bisher verrechnet: 10,00", "recalculé : 12,00, déjà facturé : 10,00"),
        ("credit", {"line": "3", "invoice": "INV-1"}, "Gutschrift zu Position 3 von INV-1", "Avoir sur la ligne 3 de INV-1"),
        (
            "base_fee", {"amount": "64.52", "missed": "1", "scheduled": "5"},
            "1 von 5 Abholungen versäumt: 64,52 × 1 ÷ 5", "1 passages manqués sur 5 : 64,52 × 1 ÷ 5",
        ),
        (
            "overweight", {"hauls": "2", "limit": "9", "amount": "150", "tonnes": "0.5", "per_tonne": "87.40"},
            "2 Ladungen über 9 t × 150, und 0,50 t × 87,40", "2 chargements au-delà de 9 t × 150, et 0,50 t × 87,40",
        ),
        ("overweight", {}, "as it is worded", "as it is worded"),
        ("pick_up", {}, "as it is worded", "as it is worded"),
    ],
)  # fmt: skip
def test_how_a_line_came_about_is_told_in_the_language(
    rule: str, inputs: dict[str, str], german: str, french: str
) -> None:
    line = a_line(rule=rule, inputs=inputs, words="as it is worded")
    assert derivations.derived(line, Speech("de")) == german
    assert derivations.derived(line, Speech("fr")) == french
    assert derivations.derived(line, Speech("en")) == "as it is worded"


def test_a_fee_on_the_gross_is_told_as_it_was_worked_out() -> None:
    line = a_line(rule="franchise", inputs={"percent": "4", "on": "77.47"}, words="77.47 × 4.00 ÷ 96.00 = 3.23 EUR")
    assert derivations.derived(line, Speech("de")) == "77,47 × 4 ÷ (100 − 4)"
    assert derivations.derived(replace(line, words="4.00 % of 77.47 = 3.10 EUR"), Speech("de")) == "4 % auf 77,47"


def test_what_it_comes_to_is_not_said_twice() -> None:
    assert derivations.derived(a_line(words="7.50 % off 4673.00 = -350 JPY"), Speech("en")) == "7.50 % off 4673.00"


def test_part_of_the_period_is_told_by_its_days() -> None:
    line = a_line(rule="rental", inputs={"days": "3", "per_day": "2.50", "from": "2026-10-29", "to": "2026-10-31"})
    october = (date(2026, 10, 1), date(2026, 11, 1))
    assert derivations.derived(line, Speech("de"), october) == "29.10.2026 – 31.10.2026: 3 Tage × 2,50"
    assert derivations.derived(line, Speech("de"), (date(2026, 10, 29), date(2026, 11, 1))) == "3 Tage × 2,50"


def test_what_the_rating_adds_to_a_title_is_translated() -> None:
    line = a_line(title="Grundgebühr, credit for missed visits")
    assert derivations.title(line, Speech("de")) == "Grundgebühr, Gutschrift für versäumte Abholungen"
    assert derivations.title(line, Speech("en")) == line.title
