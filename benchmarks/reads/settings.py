"""Production's settings with a large hauler's jobs, for the web process of the measurement alone."""

from __future__ import annotations

from project.env import overlay

overlay(
    {
        "SECRET_KEY": "for-benchmarks-only-" + "k" * 60,
        "JWT_SIGNING_KEY": "for-benchmarks-only-" + "j" * 60,
        "ENCRYPTION_KEYS": ["for-benchmarks-only-" + "e" * 60],
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "INSECURE_HTTP": True,
        "LOG_LEVEL": "WARNING",
    }
)

from project.settings.base import *  # noqa: E402, F403
from project.settings.base import INSTALLED_APPS  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.reads"]
