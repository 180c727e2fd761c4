"""GET /metrics: staff by their session, Prometheus by a token. Whoever else comes is told nothing."""

from __future__ import annotations

import hmac
import os

import prometheus_client
import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest, multiprocess

from queues.ledger import switches
from queues.watch.metrics import registry

_queues = registry()


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Our figures and the web process' own. 403 without staff rights or the token, 404 when metrics are off: whether they
    are is told to those who may read them."""
    try:
        allowed = _has_token(request) or _is_staff(request)
    except (DatabaseError, InterfaceError, redis.exceptions.RedisError, OSError):
        return _plain("The session cannot be read now; use the metrics token.", 503)
    if not allowed:
        return _plain("Metrics are for staff, or need the metrics token: Authorization: Bearer <METRICS_TOKEN>.", 403)
    if not _switched_on():
        return _plain("Metrics are switched off (METRICS_ENABLED, or the switch metrics).", 404)
    page = generate_latest(_process()) + generate_latest(_queues)
    return HttpResponse(page, content_type=prometheus_client.CONTENT_TYPE_LATEST)


def _switched_on() -> bool:
    """By the last that is known of the switch, where the database is away: the page has other figures to tell."""
    try:
        return switches.on("metrics")
    except (DatabaseError, InterfaceError):
        return switches.known("metrics")


def _has_token(request: HttpRequest) -> bool:
    """Compared in constant time; an empty setting lets nobody in."""
    token = str(getattr(settings, "METRICS_TOKEN", "") or "")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return bool(token) and scheme.lower() == "bearer" and same


def _is_staff(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return bool(user is not None and user.is_active and user.is_staff)


def _process() -> CollectorRegistry:
    """django-prometheus' registry: this process' own, or all web processes' where they share a folder."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        shared = CollectorRegistry()
        multiprocess.MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return shared
    return prometheus_client.REGISTRY


def _plain(text: str, status: int) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain; charset=utf-8")
