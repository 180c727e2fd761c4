"""Runs pytest again and again, each time in a process of its own, forked from one that has imported the libraries.

One request a line on stdin, as JSON: {"mutant": a name or null, "tests": [node ids], "report": path for JUnit's XML}.
One line with the exit code of pytest on stdout. What pytest prints goes to stderr.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from typing import Any

import pytest

from tests.engine.mutants import damage

LIBRARIES = (  # what takes long to import; of the house only the settings
    "project.settings.test", "django.contrib.admin", "django.test", "django.core.management", "django.db.models",
    "redis.asyncio", "rq", "numpy", "pyvrp", "pydantic", "psycopg", "psycopg_pool", "asyncio", "multiprocessing",
    "cron_descriptor", "cronsim", "prometheus_client",
)  # fmt: skip


def main() -> None:
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # then it takes longer
            importlib.import_module(name)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.dup2(2, 1)
            os._exit(_run(json.loads(line)))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def _run(request: dict[str, Any]) -> int:
    try:
        if request["mutant"]:
            damage(request["mutant"])
        options = ["-q", "--nomigrations", "-m", "", "-p", "no:cacheprovider", f"--junitxml={request['report']}"]
        return int(pytest.main([*options, *request["tests"]]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    main()
