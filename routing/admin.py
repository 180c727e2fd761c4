"""The routing pages: plans with their map, and the areas they were made for. What is shown here is imported or computed."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.safestring import mark_safe
from unfold.admin import ModelAdmin

from queues import policy
from routing import selectors
from routing.map_svg import clock, colour, plan_svg
from routing.models import Depot, DisposalSite, Plan, ServiceArea, ServiceStop, Vehicle, Visit

QUEUE = "route-optimization"


class RoutingAdmin(ModelAdmin):  # type: ignore[misc]
    """For whoever may see the route-optimisation queue; nothing is changed by hand."""

    list_fullwidth = True
    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        staff = bool(request.user.is_active and getattr(request.user, "is_staff", False))
        return staff and policy.may(request.user, policy.Action.READ, queue=QUEUE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Plan)
class PlanAdmin(RoutingAdmin):
    list_display = ("created_at", "area", "routes_count", "service", "distance", "baseline", "improvement")
    list_display_links = ("created_at", "area")
    list_filter = ("area",)
    list_select_related = ("area",)
    ordering = ("-created_at",)
    sortable_by = ("created_at", "routes_count")
    empty_hint = "No plan has been made yet. Run the job “Plan routes”."

    @display(description="Stops served")
    def service(self, obj: Plan) -> str:
        return f"{obj.served} of {obj.stops}"

    @display(description="Distance")
    def distance(self, obj: Plan) -> str:
        return f"{obj.distance_km:,.1f} km"

    @display(description="Nearest neighbour")
    def baseline(self, obj: Plan) -> str:
        return f"{obj.baseline_km:,.1f} km"

    @display(description="Shorter by")
    def improvement(self, obj: Plan) -> str:
        return f"{obj.improvement_percent:.1f} %"

    def get_urls(self) -> list[Any]:
        export = path("<uuid:pk>/export/", self.admin_site.admin_view(self.export_view), name="routing_plan_export")
        return [export, *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A plan's page is its own: figures, map, routes."""
        plan = self._plan(request, object_id)
        drawn = selectors.drawn(plan)
        lines = [
            (route.number, [v.node for v in visits if v.kind != Visit.Kind.DEPOT]) for route, visits in drawn.routes
        ]
        svg = plan_svg(lines, drawn.places, [node for node, _ in drawn.unserved])
        context = {
            **self.admin_site.each_context(request),
            "title": str(plan),
            "opts": self.opts,
            "original": plan,
            "plan": plan,
            "unserved": drawn.unserved,
            "routes": [_route(route, visits) for route, visits in drawn.routes],
            "map": mark_safe(svg),  # nosec B308 B703 # nosemgrep: no-marked-text (each text in it was escaped)
        }
        return TemplateResponse(request, "routing/plan_page.html", context)

    def export_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        """The plan as JSON routes of node numbers."""
        plan = self._plan(request, pk)
        answer = HttpResponse(json.dumps(selectors.plan_as_nodes(plan)), content_type="application/json")
        answer["Content-Disposition"] = f'attachment; filename="plan-{plan.area.slug}-{str(plan.pk)[-12:]}.json"'
        return answer

    def _plan(self, request: HttpRequest, pk: Any) -> Plan:
        plan = self.get_object(request, str(pk))
        if plan is None:
            raise Http404("There is no such plan.")
        if not self.has_view_permission(request, plan):
            raise PermissionDenied("Plans are for those who may see the route-optimisation queue.")
        return plan  # type: ignore[no-any-return]


def _route(route: Any, visits: list[Visit]) -> dict[str, Any]:
    return {
        "row": route,
        "colour": colour(route.number),
        "leaves": clock(route.start_s),
        "returns": clock(route.end_s),
        "visits": [
            {
                "sequence": visit.sequence,
                "where": f"{visit.get_kind_display()} {visit.node}",
                "arrives": clock(visit.arrival_s),
                "leaves": "" if visit.kind == Visit.Kind.DEPOT else clock(visit.departure_s),
                "waits": f"{visit.wait_s / 60:.0f} min" if visit.wait_s >= 60 else "",
                "load_yd": visit.load_yd,
                "lunch": visit.lunch,
            }
            for visit in visits
        ],
    }


@admin.register(ServiceArea)
class ServiceAreaAdmin(RoutingAdmin):
    list_display = ("title", "slug", "source", "speed_mph", "imported_at")
    fields = readonly_fields = ("title", "slug", "source", "speed_mph", "imported_at")
    empty_hint = "No area has been imported yet: manage.py import_instance FILE"


@admin.register(Vehicle)
class VehicleAdmin(RoutingAdmin):
    list_display = ("area", "capacity_yd", "daily_load_yd", "daily_stops", "lunch_s")
    list_select_related = ("area",)


class PlaceAdmin(RoutingAdmin):
    list_display: tuple[str, ...] = ("node", "area", "x_ft", "y_ft", "window", "service_s")
    list_filter = ("area",)
    list_select_related = ("area",)
    search_fields = ("=node",)
    list_per_page = 50

    @display(description="Open")
    def window(self, obj: Any) -> str:
        return f"{clock(obj.open_s)}–{clock(obj.close_s)}"


@admin.register(ServiceStop)
class ServiceStopAdmin(PlaceAdmin):
    list_display = ("node", "area", "load_yd", "window", "service_s", "x_ft", "y_ft")


@admin.register(Depot)
class DepotAdmin(PlaceAdmin):
    pass


@admin.register(DisposalSite)
class DisposalSiteAdmin(PlaceAdmin):
    pass
