"""Where the sample hauler works, and what is customary there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing import tax_ids
from billing.errors import CannotPrice
from billing.interchange.parties import Treatment
from billing.samples.chance import Chance
from billing.tax import Rounding
from billing.weights import Unit


@dataclass(frozen=True)
class Market:
    """`scale`: what a euro's worth of service costs there. `units`: what the scales show. `rates`: tax class → percent."""

    country: str
    title: str
    language: str
    time_zone: str
    currency: str
    scale: Decimal
    rounding: Rounding
    rates: dict[str, str]
    units: Sequence[Unit]
    cities: Sequence[tuple[str, str]]  # postcode, city
    streets: Sequence[str]
    tax_id: Callable[[Chance], str]
    treatments: dict[Treatment, int]
    exemption: str = "Public body, exempt by law"

    def draw_tax_id(self, chance: Chance) -> str:
        """One with right check digits: tried until it is."""
        while True:
            try:
                return tax_ids.check(self.country, self.tax_id(chance))
            except CannotPrice:
                continue


def _digits(chance: Chance, many: int) -> str:
    return "".join(chance.choices("0123456789", k=many))


EURO, POUND, FRANC, YEN, DINAR = Decimal(1), Decimal("0.85"), Decimal("0.95"), Decimal(165), Decimal("0.41")
MARKETS: dict[str, Market] = {
    "AT": Market(
        "AT", "Austria", "de", "Europe/Vienna", "EUR", EURO, "document", {"standard": "20", "reduced": "10"}, ("kg",),
        (("1010", "Wien"), ("4020", "Linz"), ("5020", "Salzburg"), ("8010", "Graz"), ("6020", "Innsbruck")),
        ("Gürtelstraße", "Kirchengasse", "Am Kai", "Industriezeile", "Mühlweg"), lambda c: f"ATU{_digits(c, 8)}",
        {"standard": 90, "exempt": 6, "zero": 4}, "Steuerbefreit gemäß § 6 Abs. 1 UStG",
    ),
    "DE": Market(
        "DE", "Germany", "de", "Europe/Berlin", "EUR", EURO, "line", {"standard": "19", "reduced": "7"}, ("t", "kg"),
        (("80331", "München"), ("94032", "Passau"), ("83022", "Rosenheim")), ("Bahnhofstraße", "Ländgasse", "Hafenweg"),
        lambda c: f"DE{_digits(c, 9)}", {"standard": 50, "reverse_charge": 50},
    ),
    "FI": Market(
        "FI", "Finland", "en", "Europe/Helsinki", "EUR", EURO, "document", {"standard": "25.5", "reduced": "13.5"}, ("kg",),
        (("00100", "Helsinki"), ("33100", "Tampere")), ("Satamakatu", "Koulukatu"), lambda c: f"FI{_digits(c, 8)}",
        {"standard": 60, "reverse_charge": 40},
    ),
    "GB": Market(
        "GB", "United Kingdom", "en", "Europe/London", "GBP", POUND, "line", {"standard": "20", "reduced": "5"}, ("t", "kg"),
        (("EC1A 1BB", "London"), ("M1 1AE", "Manchester"), ("LS1 4DL", "Leeds")), ("High Street", "Mill Lane", "Quay Road"),
        lambda c: f"GB{_digits(c, 9)}", {"standard": 70, "reverse_charge": 15, "zero": 15},
    ),
    "CH": Market(
        "CH", "Switzerland", "de", "Europe/Zurich", "CHF", FRANC, "document", {"standard": "8.1", "reduced": "2.6"}, ("kg", "t"),
        (("8001", "Zürich"), ("9000", "St. Gallen"), ("7000", "Chur")), ("Seestrasse", "Bahnhofplatz", "Rosenweg"),
        lambda c: f"CHE{_digits(c, 9)}MWST", {"standard": 80, "reverse_charge": 10, "exempt": 10}, "Von der Steuer ausgenommen (Art. 21 MWSTG)",
    ),
    "JP": Market(
        "JP", "Japan", "en", "Asia/Tokyo", "JPY", YEN, "document", {"standard": "10", "reduced": "8"}, ("kg",),
        (("100-0001", "Tokyo"), ("530-0001", "Osaka")), ("Chuo-dori", "Midosuji"), lambda c: _digits(c, 13), {"standard": 95, "zero": 5},
    ),
    "BH": Market(
        "BH", "Bahrain", "en", "Asia/Bahrain", "BHD", DINAR, "line", {"standard": "10", "reduced": "10"}, ("lb", "short_ton"),
        (("317", "Manama"), ("901", "Riffa")), ("King Faisal Road", "Pearl Avenue"), lambda c: f"2{_digits(c, 14)}",
        {"standard": 80, "zero": 20},
    ),
}  # fmt: skip
SHARES = {"AT": 45, "DE": 15, "FI": 6, "GB": 12, "CH": 10, "JP": 6, "BH": 6}
