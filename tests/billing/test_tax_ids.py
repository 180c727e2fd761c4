"""Tax ids are checked by their country's rule and kept in one form."""

from __future__ import annotations

import pytest

from billing.countries import countries
from billing.errors import CannotPrice
from billing.samples.chance import Chance
from billing.samples.markets import MARKETS
from billing.tax_ids import FORMS, check


@pytest.mark.parametrize(
    ("country", "given", "kept"),
    [
        ("AT", "U12345675", "ATU12345675"),
        ("AT", "atu 1234 5675", "ATU12345675"),
        ("AT", "DE136695976", "DE136695976"),  # registered in another member state
        ("DE", "136695976", "DE136695976"),
        ("GR", "094259216", "EL094259216"),
        ("NL", "NL004495445B01", "NL004495445B01"),
        ("GB", "980 7806 84", "GB980780684"),
        ("CH", "CHE-107.787.577 IVA", "CHE107787577IVA"),
        ("US", "91-1144442", "911144442"),
        ("JP", "7000012050002", "7000012050002"),
        ("BH", "220000000000002", "220000000000002"),
    ],
)  # fmt: skip
def test_a_good_one_is_kept_in_one_form(country: str, given: str, kept: str) -> None:
    assert check(country, given) == kept
    assert check(country, kept) == kept


@pytest.mark.parametrize(
    ("country", "given", "says"),
    [
        ("AT", "U12345674", "Austria: its check digit is wrong, so some digit is; one is ATU and 8 digits"),
        ("DE", "13669", "Germany: it has another form; one is DE and 9 digits"),
        ("AT", "DE136695978", "Germany: its check digit is wrong"),
        ("GB", "980780683", "(UK): its check digit is wrong"),
        ("CH", "CHE-107.787.578 IVA", "Switzerland: its check digit is wrong"),
        ("BH", "x", "Bahrain: write 4 to 20 letters and digits"),
        ("FR", "", "France"),
    ],
)  # fmt: skip
def test_a_bad_one_is_told_with_its_countrys_form(country: str, given: str, says: str) -> None:
    with pytest.raises(CannotPrice) as refused:
        check(country, given)
    assert refused.value.field == "tax_id" and says in refused.value.message


@pytest.mark.parametrize("market", MARKETS)
def test_the_samples_numbers_have_right_check_digits(market: str) -> None:
    drawn = MARKETS[market].draw_tax_id(Chance.of(1, market))
    assert check(market, drawn) == drawn


def test_the_forms_are_those_of_countries() -> None:
    assert set(FORMS) <= set(countries())
