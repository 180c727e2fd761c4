"""A day to plan: where the trucks start, where they empty, what they serve. Feet, yards and seconds of the day, as imported."""

from __future__ import annotations

from django.db import models


class ServiceArea(models.Model):
    """One imported day of a hauler; `slug` is its name in jobs and the API."""

    slug = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=120)
    source = models.CharField(max_length=200, help_text="The file it was read from.")
    digest = models.CharField(
        max_length=64, editable=False
    )  # of the file's contents: importing the same again is no change
    speed_mph = models.FloatField()
    imported_at = models.DateTimeField()

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.title


class Place(models.Model):
    """A node of the file: projected feet, opening hours in seconds of the day, service in seconds."""

    area = models.ForeignKey(ServiceArea, on_delete=models.CASCADE, related_name="%(class)ss")
    node = models.IntegerField(help_text="Its number in the file.")
    x_ft = models.FloatField()
    y_ft = models.FloatField()
    open_s = models.IntegerField()
    close_s = models.IntegerField()
    service_s = models.FloatField(default=0)

    class Meta:
        abstract = True
        ordering = ["area", "node"]
        constraints = [models.UniqueConstraint(fields=["area", "node"], name="%(class)s_node_once")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.node}".capitalize()


class Depot(Place):
    """Where vehicles start and end."""

    class Meta(Place.Meta):
        pass


class DisposalSite(Place):
    """Where vehicles are emptied."""

    class Meta(Place.Meta):
        pass


class ServiceStop(Place):
    """A customer's container to be emptied."""

    load_yd = models.FloatField(verbose_name="load, cubic yards")

    class Meta(Place.Meta):
        pass


class Vehicle(models.Model):
    """The kind of truck of an area and its limits for a day."""

    area = models.OneToOneField(ServiceArea, on_delete=models.CASCADE, related_name="vehicle")
    capacity_yd = models.FloatField(verbose_name="capacity, cubic yards", help_text="Between two disposals.")
    daily_load_yd = models.FloatField(verbose_name="daily load, cubic yards")
    daily_stops = models.FloatField(verbose_name="daily stops")
    lunch_s = models.FloatField(verbose_name="lunch, seconds", help_text="Starts between 11:00 and 12:00.")

    class Meta:
        ordering = ["area"]

    def __str__(self) -> str:
        return f"Truck of {self.area}"
