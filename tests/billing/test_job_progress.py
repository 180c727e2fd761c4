"""The page that asked for a job is made anew when it has ended, however fast that was, and once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client

from billing.jobspecs.runs import PrepareRun, prepare_run
from queues.contract import Actor, ports
from queues.models import Run

pytestmark = pytest.mark.django_db
THROUGH = date(2026, 11, 1)


@pytest.mark.parametrize(("seconds", "is_anew"), [(-5, False), (5, True)])
def test_a_page_is_made_anew_if_the_job_ended_after_it_was_made(
    as_: Callable[[str], Client], seconds: int, is_anew: bool
) -> None:
    asked = prepare_run.enqueue(PrepareRun(through=THROUGH, issue_date=THROUGH), actor=Actor("manager", "admin"))
    made = ports.now()
    ended = made + timedelta(seconds=seconds)
    Run.objects.filter(pk=asked.id).update(state="succeeded", started_at=ended, finished_at=ended)
    answer = as_("manager").get(f"/admin/queues/run/{asked.id}/progress/?made={int(made.timestamp())}")
    assert answer.status_code == 200
    assert ("HX-Refresh" in answer.headers) is is_anew
