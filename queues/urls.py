"""The engine's doors beside the admin: health, metrics, the API."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from queues.api import (
    admin_stats,
    audit,
    batches,
    definitions,
    doors,
    error_rules,
    initialize,
    job_types,
    queue_resource,
    queue_views,
    recurring,
    run_detail,
    run_list,
    run_stream,
    run_verbs,
    schedule_verbs,
    schedules,
    standing,
    views,
    workers,
)
from queues.catalogue import EVERY
from queues.watch.views import metrics

ONE_RUN = "api/v1/runs/<uuid:run_id>"
RUN = "api/v1/queue/<str:queue>/jobs/<uuid:run_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", doors.Healthz.as_view(), name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("api/token/", doors.Token.as_view(), name="api-token"),
    path("api/token/refresh/", doors.Refresh.as_view(), name="api-token-refresh"),
    path("api/token/revoke/", doors.Revoke.as_view(), name="api-token-revoke"),
    path("api/schema/", doors.Schema.as_view(), name="api-schema"),
    path("api/docs/", doors.Docs.as_view(), name="api-docs"),
    path("api/v1/queue/status", views.Status.as_view(), name="api-status"),
    path("api/v1/queue/stats", views.Stats.as_view(), name="api-stats"),
    path("api/v1/queue/stats/<str:queue>", views.StatsOfQueue.as_view(), name="api-queue-stats"),
    path("api/v1/queue/health", views.Health.as_view(), name="api-health"),
    path("api/v1/queue/error-rules", error_rules.ErrorRules.as_view(), name="api-error-rules"),
    path("api/v1/queue/jobs", views.Jobs.as_view(), name="api-jobs"),
    path("api/v1/queue/jobs/batch", batches.JobsBatch.as_view(), name="api-jobs-batch"),
    path("api/v1/queue/jobs/recurring", recurring.Recurring.as_view(), name="api-jobs-recurring"),
    path("api/v1/queue/initialize", initialize.Initialize.as_view(), name="api-initialize"),
    *(
        path(f"api/v1/queue/{queue}", view.as_view(), {"queue": queue}, name=f"api-type-{queue}")
        for queue, view in job_types.VIEWS.items()
    ),
    path("api/v1/runs", run_list.Runs.as_view(), name="api-runs"),
    path(ONE_RUN, run_detail.ReadRun.as_view(), name="api-run-by-id"),
    path(f"{ONE_RUN}/progress", run_detail.RunProgress.as_view(), name="api-run-progress"),
    path(f"{ONE_RUN}/log", run_detail.RunLog.as_view(), name="api-run-log"),
    path(f"{ONE_RUN}/events", run_detail.RunEvents.as_view(), name="api-run-events"),
    path(f"{ONE_RUN}/stream", run_stream.Stream.as_view(), name="api-run-stream"),
    path(f"{ONE_RUN}/cancel", run_verbs.CancelRun.as_view(), name="api-run-by-id-cancel"),
    path(f"{ONE_RUN}/retry", run_verbs.RetryRun.as_view(), name="api-run-by-id-retry"),
    path(RUN, views.OneRun.as_view(), name="api-run"),
    path(f"{RUN}/cancel", views.CancelRun.as_view(), name="api-run-cancel"),
    path(f"{RUN}/retry", views.RetryRun.as_view(), name="api-run-retry"),
    path(f"api/v1/queue/{EVERY}/pause", queue_views.PauseAll.as_view(), name="api-pause-all"),
    path(f"api/v1/queue/{EVERY}/resume", queue_views.ResumeAll.as_view(), name="api-resume-all"),
    path("api/v1/queue/<str:queue>/pause", queue_views.Pause.as_view(), name="api-pause"),
    path("api/v1/queue/<str:queue>/resume", queue_views.Resume.as_view(), name="api-resume"),
    path("api/v1/queue/<str:queue>/drain", queue_views.Drain.as_view(), name="api-drain"),
    path("api/v1/queue/<str:queue>/clean", queue_views.Clean.as_view(), name="api-clean"),
    path("api/admin/queue/stats", admin_stats.AdminStats.as_view(), name="api-admin-stats"),
    path("api/admin/queue/retry-failed", queue_views.RetryFailed.as_view(), name="api-retry-failed"),
    path("api/admin/migration-status", standing.Standing.as_view(), name="api-migration-status"),
    path("api/v1/definitions", definitions.Definitions.as_view(), name="api-definitions"),
    path("api/v1/definitions/<int:pk>", definitions.OneDefinition.as_view(), name="api-definition"),
    path("api/v1/definitions/<int:pk>/run", definitions.RunDefinition.as_view(), name="api-definition-run"),
    path("api/v1/schedules", schedules.Schedules.as_view(), name="api-schedules"),
    path("api/v1/schedules/<int:pk>", schedules.OneSchedule.as_view(), name="api-schedule"),
    path("api/v1/schedules/<int:pk>/pause", schedule_verbs.PauseSchedule.as_view(), name="api-schedule-pause"),
    path("api/v1/schedules/<int:pk>/resume", schedule_verbs.ResumeSchedule.as_view(), name="api-schedule-resume"),
    path("api/v1/schedules/<int:pk>/fire", schedule_verbs.FireSchedule.as_view(), name="api-schedule-fire"),
    path("api/v1/schedules/<int:pk>/next-fires", schedule_verbs.NextFires.as_view(), name="api-next-fires"),
    path("api/v1/queues", queue_resource.Queues.as_view(), name="api-queues"),
    path("api/v1/queues/<str:queue>", queue_resource.OneQueue.as_view(), name="api-queue"),
    path("api/v1/workers", workers.Workers.as_view(), name="api-workers"),
    path("api/v1/audit", audit.Audit.as_view(), name="api-audit"),
    re_path(r"^api(?:/(?P<path>.*))?$", doors.Nothing.as_view(), name="api-nothing"),
]
