"""The billing run's jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pydantic
from django.urls import NoReverseMatch, reverse

from queues.registry import spec


class PrepareRun(pydantic.BaseModel):
    """Draft a document for each period that is over."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    through: date = pydantic.Field(
        title="Through", description="Periods that end on or before this day (their ends exclusive) are billed."
    )
    issue_date: date | None = pydantic.Field(
        None, title="Issue date", description="Of the documents; by default the day in `through`."
    )


class OfRun(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    run: str = pydantic.Field(
        title="Billing run", description="Its code, e.g. 2026-11-01.", min_length=1, max_length=40
    )


def _run_page(result: Mapping[str, Any]) -> str | None:
    try:
        return reverse("admin:billing_billingrun_change", args=[result["id"]]) if "id" in result else None
    except NoReverseMatch:  # its page is not there
        return None


prepare_run = spec(
    "billing.prepare_run", queue="billing", params=PrepareRun, title="Prepare a billing run",
    description="Drafts a document for each period of a contract that is over and not billed yet, with a preview.",
    impact="Makes or renews drafts. Nothing is sent and nothing is charged.",
    timeout_s=3600, sla_warning_s=300, sla_critical_s=900, result_link=_run_page,
)  # fmt: skip
finalise_run = spec(
    "billing.finalise_run", queue="billing", params=OfRun, title="Finalise a billing run",
    description="Gives the approved drafts their numbers and books them.",
    impact="Makes final documents: they cannot be changed any more, only credited.",
    timeout_s=3600, sla_warning_s=300, sla_critical_s=900, result_link=_run_page,
)  # fmt: skip
collect = spec(
    "billing.collect", queue="billing", params=OfRun, title="Collect a billing run",
    description="Charges the saved methods of customers who agreed to that, for what is open on the run's documents.",
    impact="Charges customers.",
    timeout_s=3600, sla_warning_s=600, sla_critical_s=1800,
)  # fmt: skip
