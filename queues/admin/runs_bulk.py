"""Many runs cancelled or retried at once: counted first, asked why, then done one by one by the service."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from queues.admin import access, confirm
from queues.engine import control
from queues.errors import WrongState
from queues.ledger import states
from queues.models import Run

AT_ONCE = 1000
FITTING = {"retry": {states.DEAD, states.CANCELLED}, "cancel": states.LIVE}
PAST = {"retry": "put back into their queues", "cancel": "cancelled or asked to stop"}


def ask_or_do(model_admin: Any, request: HttpRequest, rows: QuerySet[Run], verb: str) -> HttpResponseBase | None:
    """The admin action: the question first, the deed when it comes back answered."""
    allowed = rows.filter(queue__in=access.operable_queues(request.user))
    fitting = allowed.filter(state__in=FITTING[verb])
    total, count = rows.count(), fitting.count()
    if count == 0:
        need = "dead or cancelled" if verb == "retry" else "scheduled, pending or running"
        messages.warning(
            request, f"Nothing to {verb}: none of the {total:,} chosen runs is {need} and yours to {verb}."
        )
        return None
    form = confirm.WhyForm(request.POST if "sure" in request.POST else None)
    if form.is_bound and form.is_valid():
        done, missed = _do(
            request, list(fitting.order_by("id").values_list("pk", flat=True)[:AT_ONCE]), verb, form.cleaned_data["why"]
        )
        messages.success(request, f"{_runs(done)} {PAST[verb]}.")
        skipped = total - count + missed
        if skipped:
            messages.info(
                request, f"{skipped:,} were left alone: their state does not allow it, or they are not yours to {verb}."
            )
        if count > AT_ONCE:
            messages.warning(request, f"{AT_ONCE:,} at a time: do it again for the {count - AT_ONCE:,} that are left.")
        return None
    by_state = fitting.order_by().values_list("state").annotate(n=Count("pk"))
    return confirm.page(
        request,
        model_admin.admin_site,
        title=f"{verb.capitalize()} {_runs(count)}",
        question=f"{count:,} of the {total:,} chosen runs will be {PAST[verb]}.",
        facts=[f"{n:,} {Run.State(state).label.lower()}" for state, n in by_state],
        form=form,
        submit=f"{verb.capitalize()} {_runs(min(count, AT_ONCE))}",
        cancel_url=request.get_full_path(),
        opts=model_admin.opts,
        danger=verb == "cancel",
        hidden={
            "action": [f"{verb}_selected"],
            "select_across": [request.POST.get("select_across", "0")],
            "index": [request.POST.get("index", "0")],
            "sure": ["yes"],
            ACTION_CHECKBOX_NAME: request.POST.getlist(ACTION_CHECKBOX_NAME),
        },
    )


def _runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number:,} runs"


def _do(request: HttpRequest, ids: list[Any], verb: str, why: str) -> tuple[int, int]:
    act, actor = (control.retry if verb == "retry" else control.cancel), access.actor_of(request)
    done = missed = 0
    for run_id in ids:
        try:
            act(run_id, actor=actor, why=why)
            done += 1
        except (WrongState, Run.DoesNotExist):  # it moved on since it was counted
            missed += 1
    return done, missed
