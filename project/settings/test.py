"""For tests: SQLite on disk unless DATABASE_URL says otherwise, quick password hashes, plain HTTP."""

from __future__ import annotations

import os
import tempfile

from project.env import overlay

_folder = os.environ.setdefault("ROUNDSMAN_TEST_DIR", tempfile.mkdtemp(prefix="roundsman-tests-"))
overlay(
    {
        "SECRET_KEY": "for-tests-only-" + "k" * 60,
        "JWT_SIGNING_KEY": "for-tests-only-" + "j" * 60,
        "ENCRYPTION_KEYS": ["for-tests-only-" + "e" * 60],
        "METRICS_TOKEN": "for-tests-only-metrics-token",
        "DATABASE_URL": f"sqlite:///{_folder}/roundsman.sqlite3",
        "REDIS_URL": "redis://127.0.0.1:1/0",  # nobody listens there: a test that needs a server brings its own
        "DATA_DIR": _folder,
        "ALLOWED_HOSTS": ["testserver", "127.0.0.1", "localhost"],
        "INSECURE_HTTP": True,
        "WORKER_CONCURRENCY": 3,
        "LOG_FORMAT": "line",
        "LOG_LEVEL": "WARNING",
        # the tests of the limits set them; nothing else is counted (there is no Redis that could)
        **dict.fromkeys((f"RATE_LIMIT_{name}" for name in ("GENERAL", "CREATION", "ADMINISTRATION", "LOGIN")), "none"),
    }
)

from project.settings.base import *  # noqa: E402
from project.settings.base import DATABASES, STATIC_ROOT, STORAGES  # noqa: E402

if "sqlite" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder}/test.sqlite3"}  # a file: threads and processes share it
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns of a folder that is not there
