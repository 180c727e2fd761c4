"""What whoever owns the tables can do to the audit log, and the log itself in small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from queues.contract import Actor
from queues.ledger import audit
from queues.ledger.seals import Sealer
from queues.migrations._append_only import KEYS, install, remove
from queues.models import AuditEntry

ADA = Actor(label="ada", source="admin", user_id=7, address="10.0.0.7", request_id="r-1")


def written(count: int) -> list[int]:
    """So many entries, each telling something else; their ids."""
    for number in range(count):
        audit.write(
            ADA, "queue.change", object_type="queue", object_id=f"q{number}", object_label=f"Queue {number}",
            before={"limit": number, "rate": 1.5}, after={"limit": number + 1, "rate": 2.0}, why="Ümlaut — why",
        )  # fmt: skip
    return list(AuditEntry.objects.order_by("id").values_list("id", flat=True))[-count:]


def seal_all() -> int:
    """As a process that starts now would do it."""
    return Sealer(budget_s=60).round()


def run(sql: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


@contextmanager
def as_owner() -> Iterator[None]:
    """Without the triggers."""
    with transaction.atomic():
        for table in KEYS:
            for sql in remove(connection.vendor, table):
                run(sql)
        yield
        for table in KEYS:
            for sql in install(connection.vendor, table):
                with connection.cursor() as cursor:
                    cursor.execute(sql)
