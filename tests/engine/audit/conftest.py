"""Eight sealed entries, and what a look at the chain finds."""

from __future__ import annotations

import pytest

from queues.ledger.verify import verify
from queues.models import AuditSeal

from ..tampering import seal_all, written

ENTRIES, SEALS = "queues_auditentry", "queues_auditseal"
ENTRIES, SEALS = "queues_auditentry", "queues_auditseal"


def chained() -> list[tuple[int, int]]:
    return list(AuditSeal.objects.order_by("seq").values_list("seq", "entry_id"))


def kinds(*heads: str, older_than_s: float = 120.0) -> list[tuple[str, int | None]]:
    anchors = {int(seq): value for seq, value in (head.split(":") for head in heads)}
    return [(fault.kind, fault.seq) for fault in verify(anchors, older_than_s=older_than_s).faults]


@pytest.fixture
def eight() -> list[int]:
    """Eight sealed entries, their ids in the order of their seals 1 to 8."""
    ids = written(8)
    assert seal_all() == 8
    return ids


@pytest.fixture
def head(eight: list[int]) -> str:
    return str(AuditSeal.objects.get(seq=8))
