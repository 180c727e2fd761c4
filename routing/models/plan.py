"""A plan as it was proved: routes, visits with their times, and who could not be served, and why."""

from __future__ import annotations

from django.db import models

from routing.models.area import ServiceArea, ServiceStop


class Plan(models.Model):
    """Only feasible plans are stored. Distances in km; `baseline_km` is the nearest-neighbour plan's."""

    id = models.UUIDField(primary_key=True, editable=False)
    area = models.ForeignKey(ServiceArea, on_delete=models.CASCADE, related_name="plans")
    run_id = models.UUIDField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField()
    seed = models.IntegerField()
    budget_s = models.FloatField()
    seconds = models.FloatField()
    origin = models.CharField(max_length=40, help_text="Which search found it.")
    routes_count = models.PositiveIntegerField(verbose_name="routes")
    stops = models.PositiveIntegerField()
    served = models.PositiveIntegerField()
    unserved_count = models.PositiveIntegerField(default=0, verbose_name="unserved")
    distance_km = models.FloatField()
    baseline_km = models.FloatField()
    baseline_routes = models.PositiveIntegerField()
    improvement_percent = models.FloatField()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.area.title}, {self.created_at:%d %b %H:%M}"


class Route(models.Model):
    """One vehicle's day. Times in seconds of the day."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="routes")
    number = models.PositiveIntegerField()
    distance_km = models.FloatField()
    load_yd = models.FloatField()
    stops = models.PositiveIntegerField()
    start_s = models.FloatField()
    end_s = models.FloatField()

    class Meta:
        ordering = ["plan", "number"]
        constraints = [models.UniqueConstraint(fields=["plan", "number"], name="route_number_once")]

    def __str__(self) -> str:
        return f"Route {self.number}"


class Visit(models.Model):
    """One node of a route, in driving order. `load_yd` is what is on board when the vehicle leaves."""

    class Kind(models.TextChoices):
        STOP = "stop", "Stop"
        DISPOSAL = "disposal", "Disposal"
        DEPOT = "depot", "Depot"

    route = models.ForeignKey(Route, on_delete=models.CASCADE, related_name="visits")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    node = models.IntegerField()
    arrival_s = models.FloatField()
    start_s = models.FloatField()
    departure_s = models.FloatField()
    wait_s = models.FloatField(default=0)
    load_yd = models.FloatField()
    lunch = models.CharField(max_length=16, blank=True, default="")

    class Meta:
        ordering = ["route", "sequence"]
        constraints = [models.UniqueConstraint(fields=["route", "sequence"], name="visit_sequence_once")]

    def __str__(self) -> str:
        return f"{self.sequence}: {self.kind} {self.node}"


class UnservedStop(models.Model):
    """A stop that no plan can serve, and the reason in words."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="unserved")
    stop = models.ForeignKey(ServiceStop, on_delete=models.CASCADE)
    reason = models.CharField(max_length=300)

    class Meta:
        ordering = ["plan", "stop"]

    def __str__(self) -> str:
        return f"{self.stop}: {self.reason}"
