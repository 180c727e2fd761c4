"""The engine's doors beside the admin: health, metrics, the API."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from queues.api import doors, views
from queues.watch.views import metrics

RUN = "api/v1/queue/<str:queue>/jobs/<uuid:run_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", doors.Healthz.as_view(), name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("api/token/", doors.Token.as_view(), name="api-token"),
    path("api/token/refresh/", doors.Refresh.as_view(), name="api-token-refresh"),
    path("api/schema/", doors.Schema.as_view(), name="api-schema"),
    path("api/docs/", doors.Docs.as_view(), name="api-docs"),
    path("api/v1/queue/status", views.Status.as_view(), name="api-status"),
    path("api/v1/queue/stats", views.Stats.as_view(), name="api-stats"),
    path("api/v1/queue/stats/<str:queue>", views.StatsOfQueue.as_view(), name="api-queue-stats"),
    path("api/v1/queue/health", views.Health.as_view(), name="api-health"),
    path("api/v1/queue/jobs", views.Jobs.as_view(), name="api-jobs"),
    path(RUN, views.OneRun.as_view(), name="api-run"),
    path(f"{RUN}/cancel", views.CancelRun.as_view(), name="api-run-cancel"),
    path(f"{RUN}/retry", views.RetryRun.as_view(), name="api-run-retry"),
    re_path(r"^api(?:/(?P<path>.*))?$", doors.Nothing.as_view(), name="api-nothing"),
]
