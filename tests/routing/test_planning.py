"""From a file to a stored, proved plan: services, job, pages, command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client

from queues.contract import Actor
from queues.engine.context import RunContext
from queues.engine.execute import execute
from queues.ledger import runs
from queues.ledger.queue_settings import ensure_queues
from queues.models import AuditEntry, Run
from routing import rules, selectors, services
from routing.errors import InstanceUnreadable, PlanInfeasible, UnknownArea
from routing.jobspecs import PlanRoutes, plan_routes
from routing.models import Plan, ServiceArea, UnservedStop, Visit

pytestmark = pytest.mark.django_db

DAY = """100 // capacity
200
50
3600
40
id x y open close service load kind
0 0 0 0600 1700 0 0 0
1 10000 0 0600 1700 120 20 1
2 10000 8000 0600 1700 120 30 1
3 -9000 4000 0600 1700 120 40 1
4 -9000 -4000 0600 1700 120 30 1
5 2000 9000 0700 1700 120 20 1
6 500000 9000 0700 0705 120 20 1
9 1000 1000 0600 1700 600 0 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small_stop.txt"
    path.write_text(DAY)
    return path


@pytest.fixture
def area(file: Path) -> ServiceArea:
    return services.import_instance(file)


@pytest.fixture
def plan(area: ServiceArea) -> Plan:
    return services.plan_area(area.slug, budget_s=2, seed=1)


def test_an_area_is_what_the_file_says(area: ServiceArea) -> None:
    assert area.slug == "kim-small" and area.servicestops.count() == 6 and area.vehicle.capacity_yd == 100
    assert selectors.instance_of(area).stops[0].load_yd == 20


def test_the_same_file_again_changes_nothing_and_another_one_replaces_it(file: Path, area: ServiceArea) -> None:
    assert services.import_instance(file).pk == area.pk and AuditEntry.objects.count() == 1
    file.write_text(DAY.replace("5 2000 9000 0700 1700 120 20 1\n", ""))
    assert services.import_instance(file).servicestops.count() == 5
    assert AuditEntry.objects.filter(action="area.import").count() == 2


def test_an_unreadable_file_leaves_the_area_as_it_was(file: Path, area: ServiceArea) -> None:
    file.write_text("nonsense")
    with pytest.raises(InstanceUnreadable):
        services.import_instance(file)
    assert ServiceArea.objects.get().servicestops.count() == 6


def test_a_plan_is_stored_as_it_was_proved(area: ServiceArea, plan: Plan) -> None:
    nodes = selectors.plan_as_nodes(plan)["routes"]
    day = selectors.instance_of(area)
    unserved = [row.stop.node for row in plan.unserved.all()]
    verdict = rules.check(day.without(unserved), nodes)
    assert verdict.feasible and plan.distance_km == round(verdict.distance_miles * 1.609344, 2)
    assert (plan.stops, plan.served, plan.unserved_count) == (6, 5, 1)
    assert plan.distance_km <= plan.baseline_km
    assert Visit.objects.filter(route__plan=plan, kind="stop").count() == 5


def test_a_stop_nobody_can_reach_is_told_with_its_reason(plan: Plan) -> None:
    row = UnservedStop.objects.get(plan=plan)
    assert row.stop.node == 6 and "no vehicle can serve it" in row.reason


def test_a_plan_that_breaks_a_rule_is_never_stored(area: ServiceArea, monkeypatch: pytest.MonkeyPatch) -> None:
    found = services.solver.plan(selectors.instance_of(area), 1, 1, max_iterations=1)
    broken = type(found)(**{**{f: getattr(found, f) for f in found.__dataclass_fields__}, "routes": [[1, 2, 3, 4, 5]]})
    monkeypatch.setattr(services.solver, "plan", lambda *args, **kwargs: broken)
    with pytest.raises(PlanInfeasible):
        services.plan_area(area.slug, budget_s=1, seed=1)
    assert not Plan.objects.exists()


def test_an_unknown_area_is_told_with_those_there_are(area: ServiceArea) -> None:
    with pytest.raises(UnknownArea, match="kim-small"):
        services.plan_area("kim-large", budget_s=1, seed=1)


def executed(params: PlanRoutes) -> Run:
    ensure_queues()
    ref = plan_routes.enqueue(params, actor=Actor.system("tests"))
    batch = runs.claim("route-optimization", [ref.id], worker_id=ref.id, slots=1).batches[0]
    ending = execute(RunContext(batch.claims[0], batch.claims[0].claimed_at))
    assert ending is not None
    runs.finish([ending], slots=[batch.token])
    return Run.objects.get(pk=ref.id)


def test_the_job_answers_with_the_plans_figures(area: ServiceArea) -> None:
    run = executed(PlanRoutes(area=area.slug, budget_s=2))
    assert run.state == "succeeded", run.error_detail
    stored = Plan.objects.get(pk=run.result["plan"])
    assert run.result["distance_km"] == stored.distance_km and run.result["served"] == 5 and stored.run_id == run.id
    assert run.progress_done == 2
    assert plan_routes.result_link is not None and str(stored.pk) in (plan_routes.result_link(run.result) or "")


def test_the_job_on_an_unknown_area_is_dead_at_once_with_words() -> None:
    run = executed(PlanRoutes(area="nowhere"))
    assert (run.state, run.attempt, run.error_code) == ("dead", 1, "unknown_area")
    assert "no service area named 'nowhere'" in run.error_message


def client(role: str) -> Client:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    made = Client()
    made.force_login(user)
    return made


@pytest.mark.parametrize(
    ("role", "status"), [("admin", 200), ("manager", 200), ("dispatcher", 200), ("driver", 403), ("customer", 403)]
)
def test_plans_are_for_those_who_may_see_the_queue(plan: Plan, role: str, status: int) -> None:
    browser = client(role)
    for path in ("", f"{plan.pk}/change/", f"{plan.pk}/export/"):
        assert browser.get(f"/admin/routing/plan/{path}").status_code == status


def test_a_plans_page_shows_figures_map_and_the_unserved(plan: Plan) -> None:
    text = client("dispatcher").get(f"/admin/routing/plan/{plan.pk}/change/").content.decode()
    assert '<svg class="rt-map"' in text and "no vehicle can serve it" in text and f"{plan.baseline_km}" in text


def test_a_plans_page_takes_a_fixed_number_of_queries(plan: Plan, django_assert_max_num_queries) -> None:
    browser = client("dispatcher")
    with django_assert_max_num_queries(20):
        browser.get(f"/admin/routing/plan/{plan.pk}/change/")


def test_a_plan_is_exported_as_routes_of_nodes(plan: Plan) -> None:
    answer = client("dispatcher").get(f"/admin/routing/plan/{plan.pk}/export/")
    assert json.loads(answer.content) == selectors.plan_as_nodes(plan)
    assert "attachment" in answer["Content-Disposition"]


def test_the_command_imports_and_tells_what_is_wrong(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_instance", str(file), slug="mine", title="Mine")
    assert "Mine: 6 stops" in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"no-such-file.*cannot be opened"):
        call_command("import_instance", "no-such-file")
