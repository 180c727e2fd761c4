"""The metrics of alerts: those that are open, and how often there were any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from queues.models import Alert, AlertWatch
from queues.watch.alert_rules import RULES, Level
from queues.watch.table import BY_NAME

Pair = tuple[str, str]  # rule, level


@dataclass(frozen=True)
class Counted:
    """What the database told; `looked_at` None: nobody has looked yet."""

    open: Mapping[Pair, int] = field(default_factory=dict)
    total: Mapping[Pair, int] = field(default_factory=dict)
    looked_at: datetime | None = None


def read() -> Counted:
    """Two small queries. Raises DatabaseError."""
    rows = (
        Alert.objects.filter(resolved_at__isnull=True).order_by().values_list("rule", "level").annotate(n=Count("pk"))
    )
    watch = AlertWatch.objects.first()
    if watch is None:
        return Counted()
    total: dict[Pair, int] = {}
    for name, number in watch.counts.items():
        rule, _, level = name.partition("|")
        total[rule, level] = number
    return Counted({(rule, level): n for rule, level, n in rows}, total, watch.looked_at)


def families(counted: Counted, at: datetime) -> Iterator[Metric]:
    """Pure. Every rule's levels have their series, so that a first alert is a change from 0."""
    now, ever = _empty(GaugeMetricFamily, "queue_alerts_open"), _empty(CounterMetricFamily, "queue_alerts_total")
    for pair in dict.fromkeys([*_pairs(), *counted.open, *counted.total]):
        now.add_metric(pair, counted.open.get(pair, 0))
        ever.add_metric(pair, counted.total.get(pair, 0))
    yield from (now, ever)
    if counted.looked_at is not None:
        age = _empty(GaugeMetricFamily, "queue_alerts_look_age_seconds")
        age.add_metric((), max(0.0, (at - counted.looked_at).total_seconds()))
        yield age


def _pairs() -> Iterator[Pair]:
    levels: tuple[Level, ...] = ("warning", "critical")
    for rule in RULES:
        for level in levels:
            if (rule.warning if level == "warning" else rule.critical) is not None:
                yield rule.name, level


def _empty(kind: type[Any], name: str) -> Any:
    spec = BY_NAME[name]
    return kind(spec.name, spec.help, None, spec.labels)
