"""Each role sees and may do what queues.policy says, in the menu and at the address alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from queues.models import JobDefinition, Run, Schedule

LISTS = ("run", "jobdefinition", "schedule", "queue", "worker", "queuehealth", "healthsample", "effectrecord")


@pytest.mark.parametrize("page", LISTS)
@pytest.mark.parametrize(
    ("role", "status"), [("admin", 200), ("manager", 200), ("dispatcher", 200), ("customer", 302), ("driver", 302)]
)
def test_the_lists_are_for_staff(as_: Callable[[str], Client], role: str, status: int, page: str) -> None:
    assert as_(role).get(f"/admin/queues/{page}/").status_code == status


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 403), ("dispatcher", 403)])
def test_the_audit_log_is_for_administrators(as_: Callable[[str], Client], role: str, status: int) -> None:
    assert as_(role).get("/admin/queues/auditentry/").status_code == status


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 403), ("dispatcher", 403)])
def test_pausing_a_queue_is_for_administrators(as_: Callable[[str], Client], role: str, status: int) -> None:
    assert as_(role).get("/admin/queues/queue/billing/pause/").status_code == status


def test_a_dispatcher_operates_the_queues_of_the_role_and_no_other(
    as_: Callable[[str], Client], run: Callable[..., Run], definition: JobDefinition
) -> None:
    other = JobDefinition.objects.create(name="Invoices", job="tests.admin_invoice", params={"month": "2026-11"})
    mine, foreign = run("pending"), run("pending", queue="billing", job=other.job, definition=other)
    browser = as_("dispatcher")
    assert browser.get(f"/admin/queues/run/{mine.pk}/cancel/").status_code == 200
    assert browser.get(f"/admin/queues/run/{foreign.pk}/cancel/").status_code == 403
    assert browser.get(f"/admin/queues/jobdefinition/{definition.pk}/run/").status_code == 200
    assert browser.get(f"/admin/queues/jobdefinition/{other.pk}/run/").status_code == 403
    assert browser.post(f"/admin/queues/jobdefinition/{other.pk}/change/", {"name": "Mine now"}).status_code == 403
    assert browser.post(f"/admin/queues/jobdefinition/{other.pk}/delete/", {"why": "?"}).status_code == 403
    assert browser.get(f"/admin/queues/schedule/add/?definition={other.pk}").status_code == 403
    choices = browser.get("/admin/queues/jobdefinition/add/").content.decode()
    assert "Plan a day" in choices and "Invoice a month" not in choices
    assert Run.objects.get(pk=foreign.pk).state == "pending"


def test_a_reader_sees_a_definition_without_its_form(as_: Callable[[str], Client]) -> None:
    other = JobDefinition.objects.create(name="Invoices", job="tests.admin_invoice", params={"month": "2026-11"})
    page = as_("dispatcher").get(f"/admin/queues/jobdefinition/{other.pk}/change/").content.decode()
    assert "2026-11" in page and 'name="param_month"' not in page and "Run now" not in page


def test_runs_can_be_neither_added_nor_deleted(as_: Callable[[str], Client], run: Callable[..., Run]) -> None:
    browser, one = as_("admin"), run("succeeded")
    assert browser.get("/admin/queues/run/add/").status_code == 403
    assert browser.post(f"/admin/queues/run/{one.pk}/delete/", {"why": ""}).status_code == 403
    assert Run.objects.filter(pk=one.pk).exists()


def test_a_member_of_staff_without_a_role_is_told_so(client: Client, user: Callable[[str], Any]) -> None:
    nobody = user("nobody")
    nobody.is_staff = True
    nobody.save()
    client.force_login(nobody)
    assert "no role that reaches a queue" in client.get("/admin/").content.decode()
    assert client.get("/admin/queues/run/").status_code == 403


def test_every_page_of_one_thing_opens(
    as_: Callable[[str], Client], definition: JobDefinition, run: Callable[..., Run]
) -> None:
    browser = as_("admin")
    schedule = Schedule.objects.create(name="Nightly", definition=definition, cron="0 5 * * *")
    addresses = [
        "/admin/", "/admin/queues/jobdefinition/add/", "/admin/queues/jobdefinition/add/?job=tests.admin_plan",
        f"/admin/queues/jobdefinition/{definition.pk}/change/", f"/admin/queues/jobdefinition/{definition.pk}/delete/",
        "/admin/queues/schedule/add/", f"/admin/queues/schedule/add/?definition={definition.pk}",
        f"/admin/queues/schedule/{schedule.pk}/change/", f"/admin/queues/schedule/{schedule.pk}/delete/",
        "/admin/queues/queue/billing/change/", "/admin/queues/run/dashboard/",
    ]  # fmt: skip
    addresses += [
        f"/admin/queues/run/{run(s).pk}/change/"
        for s in ("scheduled", "pending", "running", "succeeded", "dead", "cancelled")
    ]
    assert {address: browser.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 200)
