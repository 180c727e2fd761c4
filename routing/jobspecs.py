"""What this domain can be asked to do in the background."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic
from django.urls import reverse

from queues.registry import spec
from routing.models import Plan


class PlanRoutes(pydantic.BaseModel):
    """Plan one day of one service area."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    area: str = pydantic.Field(
        title="Service area",
        description="Its short name, e.g. kim-335.",
        pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$",
        max_length=64,
    )
    budget_s: int = pydantic.Field(
        20, ge=1, le=120, title="Time budget, seconds", description="How long to look for a better plan: 1 to 120."
    )
    seed: int = pydantic.Field(
        1, ge=0, le=2**31 - 1, title="Seed", description="Where the search starts; another one may find another plan."
    )


def _plan_page(result: Mapping[str, Any]) -> str | None:
    return reverse("admin:routing_plan_change", args=[result["plan"]]) if "plan" in result else None


def _plan_stands(result: Mapping[str, Any]) -> bool:
    """An area that is imported with other contents takes its plans with it."""
    return "plan" in result and Plan.objects.filter(pk=result["plan"]).exists()


plan_routes = spec(
    "routing.plan_routes",
    queue="route-optimization",
    params=PlanRoutes,
    title="Plan routes",
    description="Plans the collection routes of a service area's day and proves them against every rule.",
    impact="Stores a new plan beside the earlier ones. Nothing is sent to drivers.",
    timeout_s=300,
    sla_warning_s=60,
    sla_critical_s=180,
    result_link=_plan_page,
    cache_ttl_s=3600,
    cache_holds=_plan_stands,
)
