"""The filters of the audit log. They live in the URL, and an export is of what they leave."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter

from queues.admin.runs_filters import SPANS
from queues.ledger import clock
from queues.models import AuditEntry


class _Distinct(DropdownFilter):  # type: ignore[misc]
    """The values that occur in the newest entries."""

    field = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = AuditEntry.objects.order_by("-id").values_list(self.field, flat=True)[:2000]
        return [(value, value) for value in sorted(set(newest))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(**{self.field: self.value()}) if self.value() else queryset


class ActorFilter(_Distinct):
    title = parameter_name = field = "actor"


class ActionFilter(_Distinct):
    title, parameter_name, field = "action", "deed", "action"


class ObjectFilter(_Distinct):
    title, parameter_name, field = "object type", "type", "object_type"


class SourceFilter(_Distinct):
    title, parameter_name, field = "source", "from", "source"


class AgeFilter(DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "time", "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _) in SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        found = SPANS.get(self.value() or "")
        return queryset.filter(at__gte=clock.now() - timedelta(seconds=found[1])) if found else queryset


class DaysFilter(RangeDateFilter):  # type: ignore[misc]
    """From one day to another, both included, in the viewer's zone."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        first, last = (self._day(f"{self.parameter_name}_{side}") for side in ("from", "to"))
        if first is not None:
            queryset = queryset.filter(at__gte=_midnight(first))
        return queryset if last is None else queryset.filter(at__lt=_midnight(last + timedelta(days=1)))

    def _day(self, name: str) -> date | None:
        try:
            return date.fromisoformat(str(self.used_parameters.get(name) or ""))
        except ValueError:
            return None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
