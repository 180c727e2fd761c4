"""Writes: a file becomes an area, an area becomes a proved plan."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import uuid_utils
from django.db import transaction
from django.utils.text import slugify

from queues.contract import Actor, ports
from routing import instances, rules, solver
from routing.errors import PlanInfeasible
from routing.instances import Instance
from routing.models import Depot, DisposalSite, Plan, Route, ServiceArea, ServiceStop, UnservedStop, Vehicle, Visit
from routing.selectors import area_named, instance_of

KM_PER_MILE = 1.609344
CHUNK = 90  # rows an insert: SQLite takes 999 values


def import_instance(
    path: Path | str, *, slug: str | None = None, title: str | None = None, actor: Actor | None = None
) -> ServiceArea:
    """Read a waste-collection file into an area. The same contents again change nothing; other contents replace it.

    Plans made on replaced contents are removed with them. One transaction. Raises InstanceUnreadable.
    """
    path = Path(path)
    day = instances.load(path)
    name = slug or slugify(f"kim-{path.stem.removesuffix('_stop')}")[:64]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with transaction.atomic():
        before = ServiceArea.objects.filter(slug=name).first()
        if before is not None and before.digest == digest:
            return before
        if before is not None:
            before.delete()
        area = ServiceArea.objects.create(
            slug=name, title=title or f"Hauler {path.stem.removesuffix('_stop')}", source=path.name, digest=digest,
            speed_mph=day.speed_mph, imported_at=ports.now(),
        )  # fmt: skip
        _store_places(area, day)
        ports.auditor()(
            actor or Actor.system("import_instance"), "area.import", object_type="area", object_id=str(area.pk),
            object_label=area.title, before={"digest": before.digest} if before else None,
            after={"source": path.name, "stops": len(day.stops), "digest": digest},
        )  # fmt: skip
    return area


def _store_places(area: ServiceArea, day: Instance) -> None:
    Vehicle.objects.create(
        area=area,
        capacity_yd=day.capacity_yd,
        daily_load_yd=day.daily_load_yd,
        daily_stops=day.daily_stops,
        lunch_s=day.lunch_s,
    )
    common = [
        (node, {"area": area, "node": node.id, "x_ft": node.x_ft, "y_ft": node.y_ft, "open_s": node.open_s,
                "close_s": node.close_s, "service_s": node.service_s})
        for node in day.nodes
    ]  # fmt: skip
    Depot.objects.bulk_create([Depot(**values) for node, values in common if node.kind == "depot"])
    DisposalSite.objects.bulk_create([DisposalSite(**values) for node, values in common if node.kind == "disposal"])
    ServiceStop.objects.bulk_create(
        [ServiceStop(**values, load_yd=node.load_yd) for node, values in common if node.kind == "stop"],
        batch_size=CHUNK,
    )


def plan_area(
    slug: str,
    *,
    budget_s: float,
    seed: int,
    run_id: UUID | None = None,
    on_progress: solver.Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> Plan:
    """Plan an area within `budget_s` seconds, prove the plan, and store it in one short transaction.

    Raises UnknownArea, PlanInfeasible (nothing is stored), and whatever `stop` raises.
    """
    area = area_named(slug)
    day = instance_of(area)
    found = solver.plan(day, budget_s, seed, on_progress, stop)
    verdict = rules.check(day.without(found.unserved), found.routes)
    if not verdict.feasible:
        raise PlanInfeasible(f"The plan for {slug} breaks a rule, so it is not kept.", verdict.breaches)
    return _store_plan(area, day, found, verdict, budget_s=budget_s, seed=seed, run_id=run_id)


def _store_plan(
    area: ServiceArea,
    day: Instance,
    found: solver.Plan,
    verdict: rules.Verdict,
    *,
    budget_s: float,
    seed: int,
    run_id: UUID | None,
) -> Plan:
    with transaction.atomic():
        plan = Plan.objects.create(
            id=UUID(bytes=uuid_utils.uuid7().bytes), area=area, run_id=run_id, created_at=ports.now(), seed=seed,
            budget_s=budget_s, seconds=round(found.elapsed_s, 1), origin=found.origin, routes_count=verdict.vehicles,
            stops=len(day.stops), served=verdict.served, unserved_count=len(found.unserved),
            distance_km=_km(verdict.distance_miles), baseline_km=_km(found.baseline_miles),
            baseline_routes=found.baseline_vehicles, improvement_percent=round(found.saved_percent, 1),
        )  # fmt: skip
        routes = Route.objects.bulk_create(
            [
                Route(plan=plan, number=number, distance_km=_km(table.miles), load_yd=table.day_yd, start_s=table.start_s,
                      end_s=table.end_s, stops=sum(day.by_id[v.node].kind == "stop" for v in table.visits))
                for number, table in enumerate(verdict.schedule, start=1)
            ],
            batch_size=CHUNK,
        )  # fmt: skip
        Visit.objects.bulk_create(
            [
                Visit(route=route, sequence=sequence, kind=day.by_id[v.node].kind, node=v.node, arrival_s=v.arrival_s,
                      start_s=v.start_s, departure_s=v.departure_s, wait_s=v.wait_s, load_yd=v.load_yd, lunch=v.lunch)
                for route, table in zip(routes, verdict.schedule, strict=True)
                for sequence, v in enumerate(table.visits, start=1)
            ],
            batch_size=CHUNK,
        )  # fmt: skip
        stops = {stop.node: stop for stop in area.servicestops.filter(node__in=found.unserved)}
        UnservedStop.objects.bulk_create(
            [UnservedStop(plan=plan, stop=stops[node], reason=reason[:300]) for node, reason in found.unserved.items()]
        )
    return plan


def _km(miles: float) -> float:
    return round(miles * KM_PER_MILE, 2)
