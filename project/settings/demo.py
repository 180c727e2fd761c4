"""For `manage.py demo`: plain HTTP on this machine; secrets made by the demo and kept in its data folder."""

from __future__ import annotations

from project.env import overlay

overlay(
    {
        "ALLOWED_HOSTS": ["127.0.0.1", "localhost"],
        "INSECURE_HTTP": True,
        "LOG_FORMAT": "line",
        "WORKER_CONCURRENCY": 3,
        "WORKER_GRACE_S": 4.0,
        "WEBHOOK_ALLOWED_PRIVATE": ["127.0.0.1"],  # a receiver to try them with
    }
)

from project.settings.base import *  # noqa: E402
