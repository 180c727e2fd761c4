"""Many runs cancelled at once: counted first, asked why, then done one by one by the service. To retry is in `runs_retry`."""

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


def cancel_selected(model_admin: Any, request: HttpRequest, rows: QuerySet[Run]) -> HttpResponseBase | None:
    """The admin action: the question first, the deed when it comes back answered."""
    fitting = rows.filter(queue__in=access.operable_queues(request.user), state__in=states.LIVE)
    total, count = rows.count(), fitting.count()
    if count == 0:
        need = "scheduled, pending or running"
        messages.warning(
            request, f"Nothing to cancel: none of the {total:,} chosen runs is {need} and yours to cancel."
        )
        return None
    form = confirm.WhyForm(request.POST if "sure" in request.POST else None)
    if form.is_bound and form.is_valid():
        ids = list(fitting.order_by("id").values_list("pk", flat=True)[:AT_ONCE])
        done, missed = _cancel(request, ids, form.cleaned_data["why"])
        messages.success(request, f"{runs(done)} cancelled or asked to stop.")
        tell_left_alone(request, total - count + missed, "cancel")
        if count > AT_ONCE:
            messages.warning(request, f"{AT_ONCE:,} at a time: do it again for the rest, {count - AT_ONCE:,} more.")
        return None
    by_state = fitting.order_by().values_list("state").annotate(n=Count("pk"))
    return confirm.page(
        request,
        model_admin.admin_site,
        title=f"Cancel {runs(count)}",
        question=f"{count:,} of the {total:,} chosen runs will be cancelled or asked to stop.",
        facts=[f"{n:,} {Run.State(state).label.lower()}" for state, n in by_state],
        form=form,
        submit=f"Cancel {runs(min(count, AT_ONCE))}",
        cancel_url=request.get_full_path(),
        opts=model_admin.opts,
        danger=True,
        hidden=action_again(request, "cancel_selected"),
    )


def action_again(request: HttpRequest, action: str) -> dict[str, list[str]]:
    """The hidden values with which a list's action comes back to itself, answered."""
    return {
        "action": [action],
        "select_across": [request.POST.get("select_across", "0")],
        "index": [request.POST.get("index", "0")],
        "sure": ["yes"],
        ACTION_CHECKBOX_NAME: request.POST.getlist(ACTION_CHECKBOX_NAME),
    }


def runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number:,} runs"


def left_alone(number: int) -> str:
    return "1 was left alone" if number == 1 else f"{number:,} were left alone"


def tell_left_alone(request: HttpRequest, number: int, verb: str) -> None:
    if number:
        messages.info(request, f"{left_alone(number)}: the state does not allow it, or it is not yours to {verb}.")


def _cancel(request: HttpRequest, ids: list[Any], why: str) -> tuple[int, int]:
    actor = access.actor_of(request)
    done = missed = 0
    for run_id in ids:
        try:
            control.cancel(run_id, actor=actor, why=why)
            done += 1
        except (WrongState, Run.DoesNotExist):  # it moved on since it was counted
            missed += 1
    return done, missed
