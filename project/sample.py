"""The sample hauler: accounts, roles, a day to plan, a definition and a schedule, contracts to bill. Safe to load again."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.models import Group, User

from billing.models import Contract
from billing.samples import hauler
from billing.services import samples
from queues import policy
from queues.contract import Actor, ports
from queues.engine.control import save_definition
from queues.ledger.queue_settings import ensure_queues
from queues.models import JobDefinition, Schedule
from queues.timetable.schedules import pause_schedule, save_schedule
from routing.models import ServiceArea
from routing.services import import_instance

HAULER = Path(__file__).resolve().parents[1] / "routing/data/kim2006/335_stop.txt"
ACTOR = Actor(label="demo", source="demo")
CONTRACTS = 25
STAFF = (policy.ADMIN, policy.MANAGER, policy.DISPATCHER)


def load(instance: Path, password: str) -> ServiceArea:
    """Make what is missing. Raises InstanceUnreadable."""
    ensure_queues()
    _accounts(password)
    area = import_instance(instance, actor=ACTOR)
    name = "Plan tomorrow's routes"
    if not JobDefinition.objects.filter(name=name).exists():
        definition = save_definition(
            JobDefinition(
                name=name,
                job="routing.plan_routes",
                description="Plans the day of the sample hauler and keeps the plan beside the nearest-neighbour one.",
                params={"area": area.slug, "budget_s": 20},
                unique=True,
            ),
            actor=ACTOR,
        )
        nightly = Schedule(
            name="Every weekday at 4:30", definition=definition, cron="30 4 * * 1-5", timezone="Europe/Vienna"
        )
        pause_schedule(
            save_schedule(nightly, actor=ACTOR),
            actor=ACTOR,
            why="A sample: resume it to have the routes planned by themselves.",
        )
    _billing()
    return area


def _billing() -> None:
    """Contracts and the events of two months, once; the numbers that follow from them are for staff to make."""
    if not Contract.objects.exists():
        month = samples.last_month(ports.now().date())
        samples.load(hauler.make(CONTRACTS, seed=1, month=month).all(), actor=ACTOR)


def _accounts(password: str) -> None:
    """One account a role, all with this password."""
    for role in policy.ROLES:
        user, _ = User.objects.get_or_create(username=role, defaults={"email": f"{role}@example.org"})
        user.is_staff, user.is_superuser = role in STAFF, role == policy.ADMIN
        user.set_password(password)
        user.save()
        user.groups.add(Group.objects.get_or_create(name=role)[0])
