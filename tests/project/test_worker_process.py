"""What a worker's process loads, and that the pages are found where they are served."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.contrib import admin
from django.core.checks import run_checks

from queues.models import Run

ROOT = Path(__file__).resolve().parents[2]
STARTS = """
import sys, django; django.setup()
from queues.management.commands.rqworker import Command
Command().check(tags=Command.requires_system_checks)
print([name for name in ("project.urls", "queues.admin", "queues.api.views", "segno") if name in sys.modules])
"""


def test_a_worker_starts_without_the_pages() -> None:
    ran = subprocess.run([sys.executable, "-c", STARTS], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.strip()) == (0, "[]"), ran.stderr


def test_the_admins_pages_are_found_with_the_addresses_and_are_sound() -> None:
    import project.urls  # noqa: F401

    assert Run in admin.site._registry
    assert run_checks(tags=["admin"]) == []
