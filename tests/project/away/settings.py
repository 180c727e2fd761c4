"""The demo's settings, and a job that tests can ask for. Only the processes of `house` use them."""

from __future__ import annotations

from project.settings.demo import *  # noqa: F403
from project.settings.demo import INSTALLED_APPS, STATIC_ROOT, STORAGES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.project.away"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
