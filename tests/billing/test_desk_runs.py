"""A billing run in the admin: what a clerk sees, what each button does, and what is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from billing.admin import run_page
from billing.models import BillingRun, Document, PriceVersion, RunItem, Seller, Service
from billing.services import approval, finalise, runs
from queues.contract import Actor
from queues.models import AuditEntry, Run
from tests.billing import makers

pytestmark = pytest.mark.django_db
CLERK = Actor(label="manager", source="admin")
OCTOBER = [date(2026, 10, day) for day in (5, 12, 19, 26)]
Browser = Callable[[str], Client]


@pytest.fixture
def run() -> BillingRun:
    """Prepared by the manager: two contracts with a draft, one that cannot be priced."""
    for code in ("K-1", "K-2", "K-3"):
        service = makers.a_service(makers.a_contract(code))
        for day in OCTOBER:
            makers.a_visit(service, day)
    service.starts_on = date(2026, 10, 20)  # and yet it was visited before
    service.save()
    return runs.prepare(makers.NOVEMBER, actor=CLERK)


def page(browser: Client, run: BillingRun, query: str = "") -> str:
    answer = browser.get(f"/admin/billing/billingrun/{run.pk}/change/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_preview_tells_totals_reconciliation_and_each_document(run: BillingRun, as_: Browser) -> None:
    text = page(as_("manager"), run)
    assert "480.00" in text, "two documents of 100.00 and four pick-ups of 25.00, and 20 % tax"
    assert "Gasthaus Ente" in text and "Contract K-1" in text
    assert "Pick-up" in text and "Base fee" in text
    assert "Set aside" in text and "Unresolved" in text
    aside = page(as_("manager"), run, "?show=set_aside")
    assert "Contract K-3" in aside and "Contract K-1" not in aside
    assert RunItem.objects.get(contract__code="K-3").reason.split(":")[0] in aside


def test_the_preview_tells_where_every_visit_went(run: BillingRun, as_: Browser) -> None:
    assert run_page.visits(run) == [
        ("Visits not billed before", 12, ""), ("− on a document of this run", 8, ""), ("− in periods that are left out", 4, ""),
        ("− in no period of this run", 0, ""), ("Unresolved", 0, "bad"),
    ]  # fmt: skip
    assert "Visits not billed before" in page(as_("manager"), run)


def test_a_visit_that_came_after_its_draft_is_unresolved_until_it_is_drafted_again(
    run: BillingRun, as_: Browser
) -> None:
    makers.a_visit(Service.objects.get(code="K-1/1"), date(2026, 10, 13), extra=True)
    assert run_page.visits(run)[-1] == ("Unresolved", 1, "bad")
    runs.prepare(makers.NOVEMBER, actor=CLERK)
    assert run_page.visits(run)[-1] == ("Unresolved", 0, "bad")


def test_what_came_after_a_final_run_is_no_fault_of_its(run: BillingRun, as_: Browser) -> None:
    approval.approve(run, actor=Actor("ada", "admin", user_id=7), preview_hash=run.preview_hash)
    run = finalise.finalise(run.code, actor=CLERK)
    makers.a_visit(Service.objects.get(code="K-1/1"), date(2026, 10, 13), extra=True)
    assert run_page.visits(run)[-1] == ("Recorded since", 1, "total")
    assert "Recorded since" in page(as_("manager"), run)


def test_a_search_finds_a_contract_among_the_documents(run: BillingRun, as_: Browser) -> None:
    text = page(as_("manager"), run, "?q=K-2")
    assert "Contract K-2" in text and "Contract K-1" not in text
    assert "Nothing fits" in page(as_("manager"), run, "?q=zzz")


def test_the_preview_takes_as_many_queries_for_many_documents_as_for_two(
    run: BillingRun, as_: Browser, django_assert_max_num_queries: Any
) -> None:
    browser = as_("manager")
    for number in range(12):
        service = makers.a_service(makers.a_contract(f"L-{number}"))
        makers.a_visit(service, OCTOBER[0])
    runs.prepare(makers.NOVEMBER, actor=CLERK)
    page(browser, run)
    with django_assert_max_num_queries(22):
        page(browser, run)


def test_preparing_opens_a_run_and_asks_for_its_job_whose_progress_is_shown(as_: Browser) -> None:
    makers.a_seller()
    answer = as_("manager").post(
        "/admin/billing/billingrun/prepare/", {"through": "2026-11-01", "issue_date": "2026-11-02", "why": "October"}
    )
    run, job = BillingRun.objects.get(), Run.objects.get()
    assert (run.through, run.issue_date, run.state) == (date(2026, 11, 1), date(2026, 11, 2), "open")
    assert (job.job, job.parameters) == ("billing.prepare_run", {"through": "2026-11-01", "issue_date": "2026-11-02"})
    assert answer.headers["Location"] == f"/admin/billing/billingrun/{run.pk}/change/?job={job.pk}"
    assert f"/admin/queues/run/{job.pk}/progress/" in page(as_("manager"), run, f"?job={job.pk}")


def test_a_second_press_shows_the_job_there_is(run: BillingRun, as_: Browser) -> None:
    first = as_("manager").post(f"/admin/billing/billingrun/{run.pk}/renew/", {"why": ""})
    second = as_("admin").post(f"/admin/billing/billingrun/{run.pk}/renew/", {"why": ""})
    assert first.headers["Location"] == second.headers["Location"] and Run.objects.count() == 1


def test_who_prepared_a_large_run_is_refused_in_words_and_another_approves_it(run: BillingRun, as_: Browser) -> None:
    Seller.objects.update(approve_above_minor=100_00)
    address = f"/admin/billing/billingrun/{run.pk}/approve/"
    asked = as_("manager").get(address).content.decode()
    assert "more than 100.00 EUR" in asked and "Approve it" not in asked
    as_("manager").post(address, {"seen": run.preview_hash})
    run.refresh_from_db()
    assert run.state == "prepared"
    asked = as_("admin").get(address).content.decode()
    assert run.preview_hash[:12] in asked and "Approve it" in asked
    as_("admin").post(address, {"seen": run.preview_hash, "why": "Looked at"})
    run.refresh_from_db()
    assert (run.state, run.approved_by, run.approved_hash) == ("approved", "admin", run.preview_hash)


def test_an_approval_of_another_preview_is_refused(run: BillingRun, as_: Browser) -> None:
    answer = as_("admin").post(f"/admin/billing/billingrun/{run.pk}/approve/", {"seen": "0" * 64})
    assert "look at them again" in answer.content.decode()
    run.refresh_from_db()
    assert run.state == "prepared"


def test_a_document_is_sent_back_with_a_reason_mended_and_drafted_again(run: BillingRun, as_: Browser) -> None:
    browser, item = as_("manager"), RunItem.objects.get(contract__code="K-1")
    address = f"/admin/billing/billingrun/item/{item.pk}/send-back/"
    assert "Say why" in browser.post(address, {"why": ""}).content.decode()
    assert RunItem.objects.get(pk=item.pk).state == "drafted"
    browser.post(address, {"why": "The price is last year's"})
    item.refresh_from_db()
    assert (item.state, item.reason, item.document) == ("sent_back", "The price is last year's", None)
    assert "The price is last year" in page(browser, run, "?show=sent_back")
    version = PriceVersion.objects.get()
    version.rules[1]["amount"] = "30.00"
    version.save()
    browser.post(f"/admin/billing/billingrun/item/{item.pk}/redraft/", {"why": "Mended"})
    assert AuditEntry.objects.get(action="billing_run.redraft").why == "Mended"
    item.refresh_from_db()
    assert item.state == "drafted" and item.document is not None
    assert item.document.gross_minor == 264_00


def test_an_approved_run_is_made_final_and_collected_by_jobs(run: BillingRun, as_: Browser) -> None:
    browser = as_("admin")
    address = f"/admin/billing/billingrun/{run.pk}"
    browser.post(f"{address}/finalise/", {})
    assert not Run.objects.exists(), "it is not approved yet"
    browser.post(f"{address}/approve/", {"seen": run.preview_hash})
    browser.post(f"{address}/finalise/", {"why": "October"})
    assert [(job.job, job.parameters) for job in Run.objects.all()] == [("billing.finalise_run", {"run": run.code})]
    BillingRun.objects.update(state="final")
    browser.post(f"{address}/collect/", {})
    assert Run.objects.order_by("-id")[0].job == "billing.collect"


def test_a_final_runs_files_are_made_by_a_job_that_is_asked_for_once(run: BillingRun, as_: Browser) -> None:
    browser, address = as_("manager"), f"/admin/billing/billingrun/{run.pk}"
    assert "Make files" not in page(browser, run)
    assert browser.post(f"{address}/files/", {}).status_code == 200 and not Run.objects.exists()
    BillingRun.objects.update(state="final")
    assert "Make files" in page(browser, run)
    first = browser.post(f"{address}/files/", {"why": "To be sent"})
    second = browser.post(f"{address}/files/", {"why": "Again"})
    job = Run.objects.get()
    assert (job.job, job.queue, job.parameters) == ("billing.make_files", "reports", {"run": run.code})
    assert first.headers["Location"] == second.headers["Location"] == f"{address}/change/?job={job.pk}"
    assert [each.why for each in AuditEntry.objects.filter(action="billing_run.ask")] == ["To be sent"]


def test_a_discarded_run_leaves_no_draft(run: BillingRun, as_: Browser) -> None:
    as_("manager").post(f"/admin/billing/billingrun/{run.pk}/discard/", {"why": "Too early"})
    run.refresh_from_db()
    assert run.state == "discarded" and not Document.objects.exists()
    assert AuditEntry.objects.get(action="billing_run.discard").why == "Too early"


def test_a_dispatcher_sees_nothing_of_billing(run: BillingRun, as_: Browser) -> None:
    browser = as_("dispatcher")
    for path in ("", f"{run.pk}/change/", "prepare/", f"{run.pk}/approve/"):
        assert browser.get(f"/admin/billing/billingrun/{path}").status_code == 403
    assert "Billing runs" not in browser.get("/admin/").content.decode()
    assert "Billing runs" in as_("manager").get("/admin/").content.decode()


def test_a_run_or_a_document_that_is_not_there_is_404(as_: Browser) -> None:
    for path in (
        "billingrun/77/change/",
        "billingrun/77/approve/",
        "billingrun/item/77/redraft/",
        "billingrun/x/change/",
    ):
        assert as_("manager").get(f"/admin/billing/{path}").status_code == 404


def test_the_list_tells_what_a_run_comes_to(run: BillingRun, as_: Browser) -> None:
    text = as_("manager").get("/admin/billing/billingrun/").content.decode()
    assert run.code in text and "480.00 EUR" in text and "2 of 3" in text


def test_what_moved_is_counted_in_classes() -> None:
    from billing.selectors.run_figures import moved

    contract = makers.a_contract("K-1")
    run = BillingRun.objects.create(code="r", through=makers.NOVEMBER, issue_date=makers.NOVEMBER)
    for place, percent in enumerate(["-30", "-10", "5", "20", "20.01", None]):
        document = makers.a_final_invoice(place + 1)
        RunItem.objects.create(
            run=run, contract=contract, period_start=date(2026, 1, place + 1), period_end=date(2026, 2, 1), state="final",
            document=document, change_percent=Decimal(percent) if percent else None,
        )  # fmt: skip
    assert [each.count for each in moved(run, Decimal(20))] == [1, 1, 1, 1, 1, 1]
