"""All tables, in the order in which one refers to another. Pure."""

from __future__ import annotations

from billing.interchange.books import DunningStepRow, SeriesRow
from billing.interchange.calendars import HolidayCalendarRow, HolidayRow
from billing.interchange.contracts import ContractRow, CouponRow, ServiceRow, StayRow
from billing.interchange.events import VisitRow, WeighTicketRow
from billing.interchange.parties import CustomerRow, SellerRow, SiteRow
from billing.interchange.prices import FuelIndexRow, PriceListRow, PriceVersionRow
from billing.interchange.row import Row
from billing.interchange.taxes import ExchangeRateRow, JurisdictionRow, TaxRateRow

ROWS: tuple[type[Row], ...] = (
    SellerRow, SeriesRow, DunningStepRow, CustomerRow, SiteRow, HolidayCalendarRow, HolidayRow, JurisdictionRow, TaxRateRow,
    ExchangeRateRow, PriceListRow, PriceVersionRow, FuelIndexRow, ContractRow, ServiceRow, StayRow, CouponRow, VisitRow, WeighTicketRow,
)  # fmt: skip
TABLES: dict[str, type[Row]] = {row.file: row for row in ROWS}
TOLD_ONLY = ("documents", "lines", "entries")  # written for accountants, never read
