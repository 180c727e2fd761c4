"""The page of a queue that calls outside tells how many slots each worker allows itself there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from queues.watch import allowed


@pytest.mark.parametrize(("queue", "shown"), [("email", True), ("billing", False)])
def test_what_workers_allow_themselves_is_on_the_page_of_a_queue_that_calls_outside(
    as_: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch, queue: str, shown: bool
) -> None:
    monkeypatch.setattr(allowed, "of_queue", lambda name: {"depot-1.17": 3, "depot-2.4": 1})
    page = as_("admin").get(f"/admin/queues/queue/{queue}/change/").content.decode()
    assert ("3 slots on depot-1.17, 1 slot on depot-2.4" in page) == shown


def test_the_page_comes_without_redis(as_: Callable[[str], Client]) -> None:
    page = as_("admin").get("/admin/queues/queue/email/change/")
    assert page.status_code == 200 and "Allowed now" not in page.content.decode()
