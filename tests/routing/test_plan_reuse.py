"""A plan answers whoever asks for it again within the hour, and none that is gone does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from queues.contract import RunRef
from queues.ledger import clock
from queues.models import Run
from routing import services
from routing.jobspecs import PlanRoutes, plan_routes
from routing.models import Plan, ServiceArea

from .test_planning import DAY

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Path:
    settings.METRICS_ENABLED = False
    path = tmp_path / "small_stop.txt"
    path.write_text(DAY)
    return path


@pytest.fixture
def asked(file: Path) -> PlanRoutes:
    return PlanRoutes(area=services.import_instance(file).slug, budget_s=2)


def planned(asked: PlanRoutes) -> RunRef:
    """A run that ended with a stored plan, as the handler leaves it; nothing is searched for here."""
    ref = plan_routes.enqueue(asked, fresh=True)
    plan = Plan.objects.create(
        id=ref.id, area=ServiceArea.objects.get(slug=asked.area), run_id=ref.id, created_at=clock.now(), seed=1,
        budget_s=2, seconds=2, origin="tests", routes_count=1, stops=6, served=5, distance_km=1, baseline_km=1,
        baseline_routes=1, improvement_percent=0,
    )  # fmt: skip
    Run.objects.filter(pk=ref.id).update(state="succeeded", finished_at=clock.now(), result={"plan": str(plan.pk)})
    return ref


def test_a_repeat_within_the_hour_shows_the_same_plan(asked: PlanRoutes) -> None:
    with clock.frozen(NOON) as time:
        first = planned(asked)
        time.advance(timedelta(minutes=59).total_seconds())
        again = plan_routes.enqueue(asked)
        assert again.cached and again.id == first.id
        time.advance(60)
        assert plan_routes.enqueue(asked).created


def test_another_budget_or_seed_is_another_plan(asked: PlanRoutes) -> None:
    planned(asked)
    assert plan_routes.enqueue(asked.model_copy(update={"seed": 2})).created
    assert plan_routes.enqueue(asked.model_copy(update={"budget_s": 3})).created


def test_an_area_with_new_contents_is_planned_anew(asked: PlanRoutes, file: Path) -> None:
    planned(asked)
    services.import_instance(file)
    assert plan_routes.enqueue(asked).cached, "the same contents again change nothing"
    file.write_text(DAY.replace("5 2000 9000 0700 1700 120 20 1\n", ""))
    services.import_instance(file)
    assert plan_routes.enqueue(asked).created


def test_a_plan_that_somebody_deleted_is_made_again(asked: PlanRoutes) -> None:
    planned(asked)
    Plan.objects.all().delete()
    assert plan_routes.enqueue(asked).created


def test_the_default_budget_written_out_is_the_same_request(asked: PlanRoutes) -> None:
    first = planned(PlanRoutes(area=asked.area))
    assert plan_routes.enqueue(PlanRoutes(area=asked.area, budget_s=20, seed=1)) == RunRef(
        first.id, "succeeded", created=False, cached=True
    )
