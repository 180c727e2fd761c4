"""Numbers, days and texts as the customer's language has them. A language that is not known is English."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from billing.money import told
from billing.paper.texts import LANGUAGES, TEXTS

LOCALES = {"en": "en_GB", "de": "de", "fr": "fr"}
AMERICAN = frozenset({"US", "PR"})  # write November 1, 2026


class Speech:
    """One language, and how its readers write numbers."""

    def __init__(self, language: str, country: str = "") -> None:
        short = language.replace("_", "-").split("-")[0].lower()
        self.language = short if short in LANGUAGES else "en"
        self.place = LANGUAGES.index(self.language)
        american = self.language == "en" and country in AMERICAN
        self.locale = _locale("en_US" if american else LOCALES[self.language])

    def text(self, key: str, **values: str) -> str:
        """A text of the table, with its values put in."""
        return TEXTS[key][self.place].format(**values)

    def unit(self, code: str) -> str:
        """A unit's name for people; its code where it has none."""
        return self.text(f"unit.{code}") if f"unit.{code}" in TEXTS else code

    def amount(self, value: Decimal) -> str:
        """With all its decimals: 1,234.50."""
        decimals = max(0, -int(value.as_tuple().exponent))
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return _plain(format_decimal(value if value else abs(value), format=pattern, locale=self.locale))

    def money(self, value: Decimal, currency: str) -> str:
        """The code stands beside it, for a $ may be anybody's."""
        return f"{self.amount(value)} {currency}"

    def number(self, value: Decimal, least: int = 0) -> str:
        """Without idle zeros behind so many decimals: 7.5, 20."""
        pattern = "#,##0." + "0" * least + "#" * (6 - least)
        return _plain(format_decimal(value, format=pattern, locale=self.locale))

    def rate(self, value: Decimal) -> str:
        """Of exchange, with every decimal it has."""
        return told(value.normalize()).replace(".", self.locale.number_symbols["latn"]["decimal"])

    def country(self, code: str) -> str:
        return str(self.locale.territories.get(code, code))

    def day(self, value: date) -> str:
        return _plain(format_date(value, format="long", locale=self.locale))

    def short_day(self, value: date) -> str:
        return _plain(format_date(value, format="medium", locale=self.locale))


@cache
def _locale(name: str) -> Locale:
    return Locale.parse(name)


def _plain(text: str) -> str:
    """Fonts and programs know the no-break space better than the narrow one; a minus is as wide as a plus."""
    return text.replace("\u202f", "\u00a0").replace("-", "−")
