"""Tax ids, by the check digits of their country (python-stdnum). Pure.

In the Union a VAT number bears its country, which need not be the one of the address: an Austrian firm may be registered in Germany.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from stdnum import get_cc_module
from stdnum.eu import vat as union
from stdnum.exceptions import InvalidChecksum, ValidationError

from billing.countries import name_of
from billing.errors import CannotPrice

FORMS = {
    "AT": "ATU and 8 digits, like ATU12345675",
    "BE": "BE and 10 digits, like BE0428759497",
    "BG": "BG and 9 or 10 digits",
    "CH": "CHE, 9 digits and MWST, TVA or IVA, like CHE107787577IVA",
    "CY": "CY, 8 digits and a letter",
    "CZ": "CZ and 8 to 10 digits",
    "DE": "DE and 9 digits, like DE136695976",
    "DK": "DK and 8 digits",
    "EE": "EE and 9 digits",
    "ES": "ES, 8 digits and a letter before or behind them",
    "FI": "FI and 8 digits",
    "FR": "FR and 11 characters, like FR40303265045",
    "GB": "GB and 9 or 12 digits, like GB980780684",
    "GR": "EL and 9 digits",
    "HR": "HR and 11 digits",
    "HU": "HU and 8 digits",
    "IE": "IE, 7 digits and one or two letters",
    "IT": "IT and 11 digits, like IT00743110157",
    "JP": "13 digits",
    "LT": "LT and 9 or 12 digits",
    "LU": "LU and 8 digits",
    "LV": "LV and 11 digits",
    "MT": "MT and 8 digits",
    "NL": "NL, 9 digits, B and 2 digits, like NL004495445B01",
    "NO": "9 digits and MVA",
    "PL": "PL and 10 digits",
    "PT": "PT and 9 digits",
    "RO": "RO and 2 to 10 digits",
    "SE": "SE and 12 digits",
    "SI": "SI and 8 digits",
    "SK": "SK and 10 digits",
    "US": "9 digits (EIN), like 12-3456789",
}
OTHERS = {"US": "ein"}  # kinds of number where a country has no VAT
GREEK = {"GR": "EL"}  # whose VAT numbers bear another prefix
ANY = re.compile(r"[0-9A-Z]{4,20}")


def check(country: str, tax_id: str) -> str:
    """The number as it is kept: capitals, without spaces and dots, in the Union and in Britain with its country in front.

    Where nothing is known of a country's numbers, 4 to 20 letters and digits are believed. Raises CannotPrice for the field tax_id,
    naming the country's format."""
    bare = re.sub(r"[\s.\-/]", "", tax_id).upper()
    try:
        if country.lower() in union.MEMBER_STATES or bare[:2].lower() in {*union.MEMBER_STATES, "el"} - {"xi"}:
            return _of_union(country, bare)
        module = get_cc_module(country.lower(), OTHERS.get(country, "vat"))
        if module is None:
            return _believed(country, tax_id, bare)
        return _of(country, module, bare)
    except ValidationError as error:
        raise CannotPrice("tax_id", _told(country, tax_id, bare, error)) from None


def _of_union(country: str, bare: str) -> str:
    prefix = GREEK.get(country, country)
    if not bare[:2].isalpha() or (bare.startswith("U") and country == "AT"):
        bare = prefix + bare
    found = union.validate(bare)
    return found if found[:2].isalpha() else bare[:2] + found


def _of(country: str, module: ModuleType | Any, bare: str) -> str:
    if country == "GB":
        inner = bare[2:] if bare[:2] in ("GB", "XI") else bare
        return (bare[:2] if bare[:2] == "XI" else "GB") + str(module.validate(inner))
    return str(module.validate(bare))


def _believed(country: str, tax_id: str, bare: str) -> str:
    if ANY.fullmatch(bare):
        return bare
    raise CannotPrice(
        "tax_id", f"{tax_id[:30]!r} is no tax id of {name_of(country)}: write 4 to 20 letters and digits."
    )


def _told(country: str, tax_id: str, bare: str, error: ValidationError) -> str:
    other = bare[:2].replace("EL", "GR")
    place = other if other in FORMS and other != "US" else country
    form = FORMS.get(place, "")
    why = "its check digit is wrong, so some digit is" if isinstance(error, InvalidChecksum) else "it has another form"
    looks = f"; one is {form}" if form else ""
    return f"{tax_id[:30]!r} is no tax id of {name_of(place)}: {why}{looks}."
