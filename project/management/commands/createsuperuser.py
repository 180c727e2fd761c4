"""Django's `createsuperuser`, audited."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import createsuperuser

from project.audited_users import audited_saves


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        with audited_saves():
            told: str | None = super().handle(*args, **options)
        return told
