"""How far a run is, as a small part for other pages: polled while it lives, and its end has the page around it made anew."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from queues.admin import runs_page, show
from queues.ledger import states
from queues.models import Run


def progress(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """`?seen=live`: the page around it saw the run alive, so that it is out of date once the run has ended. `?made=SECONDS`: when that page
    was made (Unix time); a run that ended since was not seen to end."""
    run = runs_page.run_of(model_admin, request, object_id)
    is_live = run.state in states.LIVE
    context = {
        "run": run,
        "is_live": is_live,
        "job_title": show.job_title(run.job),
        "waits_for": runs_page.waits_for(run),
    }
    answer = TemplateResponse(request, "queues/run_progress.html", context)
    if not is_live and (request.GET.get("seen") == "live" or _ended_since(run, request.GET.get("made", ""))):
        answer["HX-Refresh"] = "true"
    return answer


def _ended_since(run: Run, made: str) -> bool:
    return made.isdecimal() and run.finished_at is not None and run.finished_at.timestamp() >= int(made)
