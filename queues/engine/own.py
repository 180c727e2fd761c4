"""The database connections that the present thread has opened: known without asking Django for each, run after run."""

from __future__ import annotations

import threading
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


class _Own(threading.local):
    def __init__(self) -> None:
        self.wrappers: list[BaseDatabaseWrapper] = []


_own = _Own()


def opened() -> list[BaseDatabaseWrapper]:
    """Django's connections (by database) that this thread has opened so far; they may be closed since."""
    return _own.wrappers


def _note(sender: Any, connection: BaseDatabaseWrapper, **told: Any) -> None:
    if connection not in _own.wrappers:
        _own.wrappers.append(connection)


connection_created.connect(_note, dispatch_uid="roundsman.own")
