"""The sample's customers and their sites. Pure."""

from __future__ import annotations

from datetime import timedelta

from billing.interchange.parties import CustomerRow, SiteRow
from billing.samples.calendar import Months
from billing.samples.chance import Chance
from billing.samples.markets import MARKETS, Market

BUSINESSES = {
    "de": ("Gasthaus", "Bäckerei", "Autohaus", "Tischlerei", "Hotel", "Apotheke", "Gärtnerei", "Hausverwaltung", "Brauerei", "Druckerei"),
    "en": ("Bakery", "Garage", "Hotel", "Joinery", "Brewery", "Laundry", "Florist", "Foundry", "Printers", "Fish market"),
}  # fmt: skip
NAMES = {
    "de": ("Ente", "Huber", "Sonnleitner", "„Zur Linde“", "Müller & Söhne", "Öttl", "Weiß", "Bauer, Gruber OG", "am See", "Krähenbühl"),
    "en": ("Swan", "O'Neill", "Harbour", '"The Anchor"', "Hughes, Price & Co", "Willow", "@Dockside", "Thornton", "North Quay", "Sato"),
}  # fmt: skip


def customer(number: int, country: str, months: Months, chance: Chance) -> CustomerRow:
    """Somebody of a country, with papers that go together."""
    market = MARKETS[country]
    treatment = chance.one_of(market.treatments)
    firm = treatment == "reverse_charge" or chance.happens(55)
    postcode, city = chance.choice(market.cities)
    until = {0: None, 1: months.month + timedelta(days=9), 2: months.end + timedelta(days=60)}[chance.randrange(3)]
    return CustomerRow(
        code=f"C-{number:04}", name=_name(market, chance), language=market.language, time_zone=market.time_zone,
        email=f"books{number}@example.org", phone=f"+43 1 {chance.randint(1000000, 9999999)}" if chance.happens(50) else "",
        street=f"{chance.choice(market.streets)} {chance.randint(1, 180)}", postcode=postcode, city=city, country=country,
        tax_id=market.draw_tax_id(chance) if firm else "", tax_treatment=treatment,
        exemption_reason=market.exemption if treatment == "exempt" else "", exempt_until=until if treatment == "exempt" else None,
        buyer_reference=f"PO-{chance.randint(1000, 9999)}" if chance.happens(25) else "", payment_days=chance.choice((8, 14, 14, 30)),
    )  # fmt: skip


def _name(market: Market, chance: Chance) -> str:
    return f"{chance.choice(BUSINESSES[market.language])} {chance.choice(NAMES[market.language])}"


def site(code: str, owner: CustomerRow, chance: Chance) -> SiteRow:
    """A place of a customer's, in the same town."""
    market = MARKETS[owner.country]
    return SiteRow(
        code=code, customer=owner.code, name=chance.choice(("Hof", "Lager", "Filiale", "Baustelle") if owner.language == "de" else ("Yard", "Depot", "Branch", "Site")),
        street=f"{chance.choice(market.streets)} {chance.randint(1, 180)}", postcode=owner.postcode, city=owner.city, country=owner.country,
        time_zone=owner.time_zone,
    )  # fmt: skip
