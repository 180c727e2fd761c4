"""Binds the handlers: thin over the services."""

from __future__ import annotations

from queues.contract import Done, JobContext
from routing import services
from routing.jobspecs import PlanRoutes, plan_routes
from routing.services import KM_PER_MILE


@plan_routes.handler
def _(ctx: JobContext, params: PlanRoutes) -> Done:
    def told(elapsed_s: float, budget_s: float, best_miles: float) -> None:
        ctx.progress(elapsed_s, budget_s, f"best {best_miles * KM_PER_MILE:,.1f} km so far")

    def stop() -> bool:
        ctx.checkpoint()
        return False

    plan = services.plan_area(
        params.area, budget_s=params.budget_s, seed=params.seed, run_id=ctx.run_id, on_progress=told, stop=stop
    )
    ctx.progress(params.budget_s, params.budget_s, f"{plan.distance_km:,.1f} km")
    ctx.log(f"{plan.served} of {plan.stops} stops on {plan.routes_count} routes, found by the {plan.origin} search.")
    return Done(
        {
            "plan": str(plan.pk),
            "area": params.area,
            "stops": plan.stops,
            "served": plan.served,
            "unserved": plan.unserved_count,
            "routes": plan.routes_count,
            "distance_km": plan.distance_km,
            "baseline_km": plan.baseline_km,
            "improvement_percent": plan.improvement_percent,
            "feasible": True,
        }
    )
