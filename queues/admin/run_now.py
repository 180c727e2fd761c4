"""Run a definition now, or not before a time, with its parameters before you."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from queues import registry
from queues.admin import access, params_form, runs_reuse, show
from queues.admin.definitions_form import RunNowForm
from queues.engine.dispatch import run_definition
from queues.errors import Disabled, InvalidParams, TooLarge, UnknownJob
from queues.ledger.requests import reusable_s
from queues.models import JobDefinition


def view(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the form. POST: the run's page, or the form with its errors beside the fields."""
    definition = get_object_or_404(JobDefinition, pk=pk)
    if not access.may_operate(request.user, definition):
        raise PermissionDenied(f"Your roles do not let you run {show.job_title(definition.job)}.")
    back = reverse("admin:queues_jobdefinition_change", args=[pk])
    try:
        spec = registry.get(definition.job)
    except UnknownJob as unknown:
        messages.error(request, f"{unknown} The definition cannot run until a handler of this name is installed.")
        return HttpResponseRedirect(back)
    form = params_form.with_params(RunNowForm, spec)(
        request.POST or None, initial=params_form.initial(spec.params, definition.params)
    )
    if not reusable_s(definition.job, definition.cache_ttl_s):
        del form.fields["fresh"]
    if form.is_valid() and (run := _enqueue(request, definition, form)) is not None:
        return HttpResponseRedirect(show.run_url(run))
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": definition,
        "title": f"Run “{definition.name}”",
        "definition": definition,
        "spec": spec,
        "queue_title": show.queue_title(spec.queue),
        "form": form,
        "param_fields": [field for field in form if field.name.startswith(params_form.PREFIX)],
        "cancel_url": back,
    }
    return TemplateResponse(request, "queues/run_now.html", context)


def _enqueue(request: HttpRequest, definition: JobDefinition, form: Any) -> object | None:
    try:
        run = run_definition(
            definition,
            form.stored_params(),  # all of them: a field that was cleared means the job's default, not the definition's value
            actor=access.actor_of(request),
            at=form.cleaned_data["at"],
            why=form.cleaned_data["why"],
            fresh=form.cleaned_data.get("fresh", False),
        )
    except InvalidParams as invalid:  # what only the moment of enqueueing can tell
        for name, message in params_form.errors_by_field(invalid.errors, list(form.fields)):
            form.add_error(name, message)
        return None
    except (Disabled, TooLarge) as refused:
        form.add_error(None, str(refused))
        return None
    if run.answer is not None and run.answer.cached:
        runs_reuse.tell_reused(request, run)
    elif run.answer is not None and not run.answer.created:
        one = "one at a time" if definition.unique else "one of the same parameters at a time"
        messages.info(request, f"“{definition.name}” has a live run already, and may have {one}: here it is.")
    elif run.state == "scheduled":
        messages.success(request, f"“{definition.name}” is scheduled for {show.clock_text(run.due_at)}.")
    else:
        messages.success(request, f"“{definition.name}” is in the queue.")
    return run.pk
