"""One run on a page: what it is, how far it is, what it wrote, how it ended. The live part is polled while it lives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode

from queues import registry
from queues.admin import access, confirm, runs_reuse, show
from queues.admin.runs_timeline import durations, timeline
from queues.engine import control
from queues.errors import UnknownJob, WrongState
from queues.ledger import clock, states
from queues.ledger.queue_settings import effective
from queues.ledger.reuse import own_dedupe_key
from queues.models import EffectRecord, Run, RunEvent, RunLogLine, Worker

LOG_TAIL = 200
ENDINGS = {"retry", "failed", "crashed", "cancelled"}


@dataclass(frozen=True)
class Attempt:
    """One execution that ended: its number, times, and what became of it."""

    number: int
    started_at: datetime | None
    ended_at: datetime
    outcome: str
    tone: str
    note: str

    @property
    def took(self) -> str:
        return show.lasted(self.started_at, self.ended_at)


def detail(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    run = run_of(model_admin, request, object_id)
    context = {
        **model_admin.admin_site.each_context(request),
        **live_context(request, run),
        "opts": model_admin.opts,
        "original": run,
        "title": f"{show.job_title(run.job)}: run {str(run.pk)[-12:]}",
        "media": model_admin.media,
    }
    return TemplateResponse(request, "queues/run_detail.html", context)


def live(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """The part that changes. `?lines=all` shows the whole log."""
    return TemplateResponse(
        request, "queues/run_live.html", live_context(request, run_of(model_admin, request, object_id))
    )


def live_context(request: HttpRequest, run: Run) -> dict[str, Any]:
    now = clock.now()
    events = list(RunEvent.objects.filter(run=run))
    worker = Worker.objects.filter(pk=run.worker_id).first() if run.worker_id else None
    lines, hidden_lines = _log(run, whole=request.GET.get("lines") == "all")
    may_operate = access.may_operate(request.user, run)
    return {
        "run": run,
        "job_title": show.job_title(run.job),
        "queue_title": show.queue_title(run.queue),
        "state": show.state(run.state),
        "is_live": run.state in states.LIVE,
        "asked_to_stop": run.cancel_requested_at is not None and run.state == states.RUNNING,
        "may_cancel": may_operate and run.state in states.LIVE and run.cancel_requested_at is None,
        "may_retry": may_operate and run.state in (states.DEAD, states.CANCELLED),
        "timeline": timeline(run, events, worker.name if worker else "", now),
        "durations": {name: show.span(value) for name, value in durations(run, now).items() if value is not None},
        "attempts": _attempts(events),
        "progress": show.meter(run.progress_done, run.progress_total, run.progress_note),
        "lines": lines,
        "hidden_lines": hidden_lines,
        "judge_url": _judge_url(request, run),
        "params": show.pretty(run.parameters),
        "reuse": runs_reuse.reuse_of(request, run),
        "unique_by": own_dedupe_key(run),
        "result": show.pretty(run.result) if run.result else "",
        "result_link": _result_link(run),
        "effects": list(EffectRecord.objects.filter(run_id=run.pk)[:50]) if run.state not in states.LIVE else [],
        "waits_for": waits_for(run),
        "all_lines": request.GET.get("lines") == "all",
    }


def deed(model_admin: Any, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
    """Cancel or retry one run: the question with its why, then the service."""
    run = run_of(model_admin, request, object_id)
    if not access.may_operate(request.user, run):
        raise PermissionDenied(f"Your roles do not let you {verb} runs of {show.queue_title(run.queue)}.")
    form = confirm.WhyForm(request.POST or None)
    if form.is_valid():
        try:
            act = control.cancel if verb == "cancel" else control.retry
            done = act(run.pk, actor=access.actor_of(request), why=form.cleaned_data["why"])
        except WrongState as wrong:
            messages.warning(request, str(wrong))
        else:
            messages.success(request, _told(done, verb))
        return HttpResponseRedirect(show.run_url(run.pk))
    questions = {
        "cancel": "The run is cancelled at once while it waits. While it runs, its worker asks it to stop, which takes seconds.",
        "retry": "The run goes back into its queue with its whole number of attempts before it.",
    }
    return confirm.page(
        request,
        model_admin.admin_site,
        title=f"{verb.capitalize()} this run",
        question=questions[verb],
        facts=[
            f"{show.job_title(run.job)}, {show.queue_title(run.queue)}",
            f"now {Run.State(run.state).label.lower()}",
        ],
        form=form,
        submit=f"{verb.capitalize()} the run",
        cancel_url=show.run_url(run.pk),
        obj=run,
        danger=verb == "cancel",
    )


def _told(run: Run, verb: str) -> str:
    if verb == "retry":
        return "The run is back in its queue."
    return "The run was asked to stop." if run.state == states.RUNNING else "The run is cancelled."


def run_of(model_admin: Any, request: HttpRequest, object_id: str) -> Run:
    """Raises Http404, PermissionDenied."""
    try:
        run = Run.objects.select_related("definition", "schedule").get(pk=object_id)
    except (Run.DoesNotExist, ValidationError, ValueError):
        raise Http404("There is no such run. It may have been removed after its retention.") from None
    if not model_admin.has_view_permission(request, run):
        raise PermissionDenied(f"Your roles do not let you see runs of {show.queue_title(run.queue)}.")
    return run


def _log(run: Run, *, whole: bool) -> tuple[list[RunLogLine], int]:
    """The last lines, oldest first, and how many earlier ones are not shown."""
    rows = RunLogLine.objects.filter(run=run)
    if whole:
        return list(rows), 0
    tail = list(rows.order_by("-id")[: LOG_TAIL + 1])
    shown = tail[:LOG_TAIL][::-1]
    return shown, rows.count() - len(shown) if len(tail) > LOG_TAIL else 0


def _attempts(events: list[RunEvent]) -> list[Attempt]:
    return [
        Attempt(
            number=event.attempt,
            started_at=parse_datetime(str(event.data.get("started_at") or "")),
            ended_at=event.at,
            outcome=event.get_kind_display(),
            tone="bad" if event.kind in ("failed", "crashed") else "warn",
            note=event.note,
        )
        for event in events
        if event.kind in ENDINGS and event.attempt
    ]


def waits_for(run: Run) -> str:
    """Why a run that is due does not start, where that is more than a full queue."""
    if run.state != states.PENDING:
        return ""
    in_force = effective(run.queue)
    if not in_force.enabled:
        return f"{in_force.title} is switched off: this run waits until it is switched on."
    if in_force.paused:
        return f"{in_force.title} is paused: {in_force.pause_reason}"
    if in_force.drain_at is not None and run.created_at > in_force.drain_at:
        return f"{in_force.title} is draining: {in_force.drain_reason}. This run came later and waits for the resume."
    live_workers = Worker.objects.filter(stopped_at__isnull=True, lost_at__isnull=True).values_list("queues", flat=True)
    if not any(run.queue in served for served in live_workers):
        return f"No worker serves {in_force.title}. Start one: python manage.py rqworker {run.queue}"
    return ""


def _judge_url(request: HttpRequest, run: Run) -> str:
    """Where to say how its error is judged, for those who may."""
    if not run.error_type or not access.may_administer(request.user):
        return ""
    error = {"error_type": run.error_type, "error_code": run.error_code}
    return f"{reverse('admin:queues_errorrule_judge')}?{urlencode(error)}"


def _result_link(run: Run) -> str:
    """Where the job shows its result, if its declaration says so."""
    if not run.result:
        return ""
    try:
        address = registry.get(run.job).result_link
    except UnknownJob:
        return ""
    return (address(run.result) or "") if address else ""
