"""The seller's day: dates of documents and of the books are by its clock."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from billing.models import Seller
from queues.contract import ports


def time_zone() -> ZoneInfo:
    """UTC, as long as there is no seller."""
    return ZoneInfo(Seller.objects.values_list("time_zone", flat=True).first() or "UTC")


def today() -> date:
    return ports.now().astimezone(time_zone()).date()
