"""What is done with a billing run: prepared, drafted again, approved, made final, collected, discarded; and one document of it sent back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse

from billing.admin import fields, pieces, run_page
from billing.admin.ask import Done, Question, RequiredWhyForm, WhyForm, ask, posted
from billing.admin.frame import MoneyAdmin, actor_of
from billing.amounts import minus
from billing.jobspecs.paper import make_files
from billing.jobspecs.runs import collect as collect_job
from billing.jobspecs.runs import finalise_run, prepare_run
from billing.models import BillingRun, RunItem, Seller
from billing.selectors.sellers import today
from billing.services import approval, run_jobs, runs
from queues.contract import Actor, RunRef


class PrepareForm(WhyForm):
    through = fields.day(
        label="Through", help_text="Periods that are over by this day are billed: those whose last day is before it."
    )
    issue_date = fields.day(label="Issue date", help_text="Stands on the documents. What is due counts from it.")

    field_order = ("through", "issue_date", "why")


def prepare(admin: MoneyAdmin, request: HttpRequest) -> HttpResponse:
    """Opens the run, so that it has a page, and has a job draft it; the page shows how far that is."""
    admin.enter(request)
    first = today().replace(day=1)
    form = PrepareForm(posted(request), initial={"through": first, "issue_date": first})
    question = Question("Prepare a billing run", prepare_run.impact, "Prepare it", facts=[prepare_run.description])

    def do(given: dict[str, Any]) -> Done:
        run, job = run_jobs.ask_new(
            given["through"], issue_date=given["issue_date"], actor=actor_of(request), why=given["why"]
        )
        return Done(f"Run {run.code} is being prepared.", run_page.url(run, job.id))

    return ask(admin, request, question, form, do, back=pieces.url("billingrun_changelist"))


def _by_job(
    admin: MoneyAdmin, request: HttpRequest, run: BillingRun, question: Question, start: Callable[..., RunRef], told: str
) -> HttpResponse:  # fmt: skip
    """A deed that a job does: `start` asks for it, and the run's page shows how far it is."""

    def do(given: dict[str, Any]) -> Done:
        job = start(run, actor=actor_of(request), why=given["why"])
        return Done(told, run_page.url(run, job.id))

    return ask(admin, request, question, WhyForm(posted(request)), do, obj=run)


def renew(admin: MoneyAdmin, request: HttpRequest, run: BillingRun) -> HttpResponse:
    question = Question(
        f"Draft run {run.code} again",
        "Every period is priced anew with what is recorded by now. What comes out as it was stays; what changes ends an approval. What was"
        " sent back stays out.",
        "Draft it again" if run_page.may(run)["renew"] else "", facts=_facts(run),
    )  # fmt: skip
    return _by_job(admin, request, run, question, run_jobs.ask_prepare, "It is being drafted again.")


class ApproveForm(WhyForm):
    """`seen`: the hash of the preview that was looked at."""

    seen = forms.CharField(widget=forms.HiddenInput(), max_length=64)


def approve(admin: MoneyAdmin, request: HttpRequest, run: BillingRun) -> HttpResponse:
    actor = actor_of(request)
    refused = _why_not_approve(run, actor)
    question = Question(
        f"Approve run {run.code}",
        refused or "You have looked at the preview, and every document in it may be made final. The approval is of exactly this preview: what"
        " changes a document of it ends the approval.",
        "" if refused else "Approve it",
        facts=[*_facts(run), f"Preview {run.preview_hash[:12]}", f"Prepared by {run.prepared_by}"],
    )  # fmt: skip
    form = ApproveForm(posted(request), initial={"seen": run.preview_hash})

    def do(given: dict[str, Any]) -> str:
        approval.approve(run, actor=actor, preview_hash=given["seen"], why=given["why"])
        return f"Run {run.code} is approved."

    return ask(admin, request, question, form, do, obj=run)


def _why_not_approve(run: BillingRun, actor: Actor) -> str:
    """In words, before anybody tries; the service asks again."""
    if run.state != BillingRun.State.PREPARED:
        return f"The run is {run.get_state_display().lower()}: there is nothing to approve."
    if run.unresolved:
        return f"{run.unresolved} expected periods are unresolved: draft all again first."
    seller = Seller.objects.order_by("pk").first()
    if (
        seller is not None
        and approval.takes_a_second_person(run, seller)
        and not approval.is_another_person(run, actor)
    ):
        most = pieces.money(seller.approve_above_minor, seller.currency)
        return (
            f"This run comes to more than {most}, and you prepared it: somebody else has to look at it and approve it."
        )
    return ""


def finalise(admin: MoneyAdmin, request: HttpRequest, run: BillingRun) -> HttpResponse:
    question = Question(
        f"Finalise run {run.code}", finalise_run.impact, "Make them final" if run_page.may(run)["finalise"] else "",
        facts=[*_facts(run), f"Approved by {run.approved_by}"], danger=True,
    )  # fmt: skip
    return _by_job(
        admin, request, run, question, run_jobs.ask_finalise, f"The documents of run {run.code} are being made final."
    )


def collect(admin: MoneyAdmin, request: HttpRequest, run: BillingRun) -> HttpResponse:
    question = Question(
        f"Collect run {run.code}",
        collect_job.description,
        "Charge them" if run_page.may(run)["collect"] else "",
        facts=_facts(run),
        danger=True,
    )
    return _by_job(admin, request, run, question, run_jobs.ask_collect, f"Run {run.code} is being collected.")


def files(admin: MoneyAdmin, request: HttpRequest, run: BillingRun) -> HttpResponse:
    question = Question(
        f"Make the files of run {run.code}", f"{make_files.description} {make_files.impact}",
        "Make them" if run_page.may(run)["files"] else "", facts=_facts(run),
    )  # fmt: skip
    return _by_job(admin, request, run, question, run_jobs.ask_files, f"The files of run {run.code} are being made.")


def discard(admin: MoneyAdmin, request: HttpRequest, run: BillingRun) -> HttpResponse:
    question = Question(
        f"Discard run {run.code}", "All its drafts are thrown away, and their periods are due again in another run.",
        "Discard it" if run_page.may(run)["discard"] else "", facts=_facts(run), danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        runs.discard(run, actor=actor_of(request), why=given["why"])
        return f"Run {run.code} is discarded."

    return ask(admin, request, question, RequiredWhyForm(posted(request)), do, obj=run)


def send_back(admin: MoneyAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    item = _item(admin, request, pk)
    document, back = item.document, f"{run_page.url(item.run)}#documents"
    question = Question(
        f"Send back {item.contract}",
        "Its draft is thrown away and its period is due again: mend what is wrong, then draft it again in this run, or leave it to the next."
        " An approval of the run ends.",
        "Send it back" if document is not None and run_page.may(item.run)["send_back"] else "",
        facts=[item.contract.customer.name, pieces.period(item.period_start, item.period_end), *_amount(item), *map(minus, item.why)], danger=True,
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        assert document is not None
        runs.send_back(document, actor=actor_of(request), why=given["why"])
        return f"{item.contract} is sent back."

    return ask(admin, request, question, RequiredWhyForm(posted(request)), do, back=back, obj=item.run)


def redraft(admin: MoneyAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    item = _item(admin, request, pk)
    question = Question(
        f"Draft {item.contract} again", "Its period is priced with what is recorded by now, and the draft is in this run again.",
        "Draft it again" if run_page.may(item.run)["renew"] and item.document is None else "",
        facts=[item.contract.customer.name, pieces.period(item.period_start, item.period_end), item.reason],
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        done = runs.redraft(item, actor=actor_of(request), why=given["why"])
        return f"{done.contract}: {done.get_state_display().lower()}{f', {done.reason}' if done.reason else ''}."

    return ask(
        admin, request, question, WhyForm(posted(request)), do, back=f"{run_page.url(item.run)}#documents", obj=item.run
    )


def _item(admin: MoneyAdmin, request: HttpRequest, pk: int) -> RunItem:
    """Raises PermissionDenied, Http404."""
    admin.enter(request)
    item = RunItem.objects.filter(pk=pk).select_related("run", "contract__customer", "document", "previous").first()
    if item is None:
        raise Http404("There is no such document in a run.")
    return item


def _amount(item: RunItem) -> list[str]:
    if item.document is None:
        return []
    told = pieces.money(item.document.gross_minor, item.document.currency)
    return [
        f"{told}, {pieces.change(item.change_percent)} against the period before"
        if item.change_percent is not None
        else told
    ]


def _facts(run: BillingRun) -> list[str]:
    told = [
        f"{row['documents']} documents, {pieces.money(row['gross'], row['currency'])}" for row in run_page.totals(run)
    ]
    return [*told, f"{run.excluded} periods are left out" if run.excluded else "No period is left out"]
