"""Accounts made or changed from the command line leave an audit entry, in the transaction that saves them."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from queues.contract import Actor
from queues.ledger import audit

TOLD = ("username", "email", "is_active", "is_staff", "is_superuser")


@contextmanager
def audited_saves() -> Iterator[None]:
    """Inside, whatever saves an account enters it: for a command's process, which does nothing else meanwhile."""
    real = User.save

    def save(self: User, *args: Any, **options: Any) -> None:
        action = "user.create" if self._state.adding else "user.password"
        with transaction.atomic():
            real(self, *args, **options)
            audit.write(
                _actor(), action, object_type="user", object_id=str(self.pk), object_label=self.get_username(),
                after={name: getattr(self, name) for name in TOLD} if action == "user.create" else None,
            )  # fmt: skip

    User.save = save  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        User.save = real  # type: ignore[method-assign]


def _actor() -> Actor:
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # a process without a name, as in some containers
        who = "somebody"
    return Actor(label=f"{who} (manage.py)", source="command")
