"""ASGI entry point."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings.base")
django.setup(set_prefix=False)

from project.one_hop import OneHopHandler  # noqa: E402  (Django is set up by now)
from project.serving import begin, threads  # noqa: E402

application = OneHopHandler(threads())
begin()
