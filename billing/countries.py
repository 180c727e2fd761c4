"""The countries of ISO 3166, as the time zone database lists them. Pure."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def countries() -> dict[str, str]:
    """Code → name in English."""
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    rows = (line.partition("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {code: name for code, _, name in rows}


def name_of(country: str) -> str:
    """As it is written in a sentence; the code itself where nobody knows it."""
    return countries().get(country, country)
