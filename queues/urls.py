"""The engine's doors beside the admin: health, metrics, the API."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from queues.api import doors, error_rules, queue_views, standing, views
from queues.catalogue import EVERY
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
    path("api/v1/queue/error-rules", error_rules.ErrorRules.as_view(), name="api-error-rules"),
    path("api/v1/queue/jobs", views.Jobs.as_view(), name="api-jobs"),
    path(RUN, views.OneRun.as_view(), name="api-run"),
    path(f"{RUN}/cancel", views.CancelRun.as_view(), name="api-run-cancel"),
    path(f"{RUN}/retry", views.RetryRun.as_view(), name="api-run-retry"),
    path(f"api/v1/queue/{EVERY}/pause", queue_views.PauseAll.as_view(), name="api-pause-all"),
    path(f"api/v1/queue/{EVERY}/resume", queue_views.ResumeAll.as_view(), name="api-resume-all"),
    path("api/v1/queue/<str:queue>/pause", queue_views.Pause.as_view(), name="api-pause"),
    path("api/v1/queue/<str:queue>/resume", queue_views.Resume.as_view(), name="api-resume"),
    path("api/v1/queue/<str:queue>/drain", queue_views.Drain.as_view(), name="api-drain"),
    path("api/v1/queue/<str:queue>/clean", queue_views.Clean.as_view(), name="api-clean"),
    path("api/admin/queue/retry-failed", queue_views.RetryFailed.as_view(), name="api-retry-failed"),
    path("api/admin/migration-status", standing.Standing.as_view(), name="api-migration-status"),
    re_path(r"^api(?:/(?P<path>.*))?$", doors.Nothing.as_view(), name="api-nothing"),
]
