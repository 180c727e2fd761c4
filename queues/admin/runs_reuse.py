"""A reusable result on its run's page: whom it answered, until when it answers, and the way to have it made anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from queues.admin import access, confirm, show
from queues.engine import control, reuse_figures
from queues.errors import Disabled, InvalidParams, UnknownJob
from queues.ledger import clock, states
from queues.ledger.requests import reusable_s
from queues.models import Run


@dataclass(frozen=True)
class Reuse:
    """`answered`: how many requests this run answered beside its own; None where nobody can tell now."""

    answered: int | None
    until: datetime | None  # its result answers until then; None when that is over, or never was
    may_run_anew: bool


def reuse_of(request: HttpRequest, run: Run) -> Reuse | None:
    """For a run whose result may answer others; None for all the rest, which cost nothing here."""
    if not run.cache_key:
        return None
    ended = run.state not in states.LIVE
    until = None
    if run.state == states.SUCCEEDED and run.finished_at is not None:
        until = run.finished_at + timedelta(seconds=_reusable_s(run))
    return Reuse(
        answered=reuse_figures.answered_by(run.pk) if ended else None,
        until=until if until is not None and until > clock.now() else None,
        may_run_anew=ended and access.may_operate(request.user, run),
    )


def _reusable_s(run: Run) -> float:
    try:
        return reusable_s(run.job, run.definition.cache_ttl_s if run.definition else None)
    except UnknownJob:
        return 0


def anew(model_admin: Any, request: HttpRequest, run: Run) -> HttpResponse:
    """GET: the question. POST: a new run of the same work, and its page."""
    if not access.may_operate(request.user, run):
        raise PermissionDenied(f"Your roles do not let you run jobs of {show.queue_title(run.queue)}.")
    form = confirm.WhyForm(request.POST or None)
    if form.is_valid():
        try:
            made = control.run_anew(run, actor=access.actor_of(request), why=form.cleaned_data["why"])
        except (Disabled, InvalidParams, UnknownJob) as refused:
            messages.warning(request, str(refused))
            return HttpResponseRedirect(show.run_url(run.pk))
        if made.answer is not None and not made.answer.created:
            messages.info(request, "Its definition has a live run already, and may have one at a time: here it is.")
        return HttpResponseRedirect(show.run_url(made.pk))
    return confirm.page(
        request,
        model_admin.admin_site,
        title="Run this anew",
        question="A new run with the same parameters does the work again. Its result answers from then on.",
        facts=[f"{show.job_title(run.job)}, {show.queue_title(run.queue)}"],
        form=form,
        submit="Run it anew",
        cancel_url=show.run_url(run.pk),
        obj=run,
    )


def tell_reused(request: HttpRequest, run: Run) -> None:
    """The message for somebody whose request was answered with this run's result."""
    ago = show.lasted(run.finished_at, clock.now())
    text = format_html(
        'Nothing was run: here is the result of the same request, made {} ago. <a class="rm-link" href="{}">Run it anew</a>',
        ago,
        reverse("admin:queues_run_anew", args=[run.pk]),
    )
    messages.info(request, text)
