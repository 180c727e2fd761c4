"""Many failed runs put back at once: those that are ticked, all under the list's filters, or all dead ones of them.

Counted first, asked why, then done as it was counted. What the filters say goes to the service as a filter; what was
ticked or searched for goes as ids, a thousand at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from queues import catalogue
from queues.admin import access, confirm, show
from queues.admin.runs_bulk import action_again, left_alone, runs, tell_left_alone
from queues.admin.runs_filters import SPANS
from queues.engine import bulk
from queues.engine.bulk_count import Counted, count_failed
from queues.ledger import clock, states
from queues.models import JobDefinition, Run

RETRYABLE = (states.DEAD, states.CANCELLED)
FILTERS = frozenset({"state", "queue", "job", "definition", "created"})  # what `count_failed` can be told
HARMLESS = frozenset({"o", "p", "e", "all"})  # order and page


@dataclass(frozen=True)
class Chosen:
    """What is to be retried; `total` were chosen, `beyond` of those that fit are more than go at once."""

    what: Counted
    total: int
    beyond: int = 0


def selected(model_admin: Any, request: HttpRequest, rows: QuerySet[Run]) -> HttpResponseBase | None:
    """The list's action. None: done or nothing to do, and the list is shown again."""
    across = request.POST.get("select_across") == "1"
    chosen = _chosen(request, rows, RETRYABLE, by_filters=across)
    if not chosen.what.total:
        need = "dead or cancelled"
        messages.warning(
            request, f"Nothing to retry: none of the {chosen.total:,} chosen runs is {need} and yours to retry."
        )
        return None
    form = confirm.RequiredWhyForm(request.POST if "sure" in request.POST else None)
    if form.is_bound and form.is_valid():
        return _do(request, chosen, form.cleaned_data["why"])
    return _page(model_admin, request, chosen, form, request.get_full_path(), action_again(request, "retry_selected"))


def all_dead(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """All dead runs under the list's filters, which are in this page's address."""
    if not access.operable_queues(request.user):
        raise PermissionDenied("Your roles do not let you retry runs.")
    back = f"{reverse('admin:queues_run_changelist')}?{request.GET.urlencode()}"
    rows = model_admin.get_changelist_instance(request).get_queryset(request).filter(state=states.DEAD)
    chosen = _chosen(request, rows, (states.DEAD,), by_filters=True)
    form = confirm.RequiredWhyForm(request.POST or None)
    if chosen.what.total and form.is_valid():
        return _do(request, chosen, form.cleaned_data["why"]) or HttpResponseRedirect(back)
    return _page(model_admin, request, chosen, form, back, {})


def _chosen(request: HttpRequest, rows: QuerySet[Run], among: Collection[str], *, by_filters: bool) -> Chosen:
    """Counted now, or as the page that comes back had counted."""
    pinned, total = confirm.Pinned(request.POST), rows.count()
    pins: dict[str, Any] = {}
    if pinned.is_valid():
        pins = {"until": pinned.cleaned_data["until"], "limit": pinned.cleaned_data["expected"]}
    if by_filters and set(request.GET) <= FILTERS | HARMLESS:
        return Chosen(_by_filters(request, among, pins), total)
    fitting = rows.filter(state__in=among, queue__in=access.operable_queues(request.user)).order_by("id")
    ids = list(fitting.values_list("pk", flat=True)[: bulk.AT_ONCE])
    beyond = fitting.count() - len(ids) if len(ids) == bulk.AT_ONCE else 0
    return Chosen(count_failed(among=tuple(among), ids=ids, **pins), total, beyond)


def _by_filters(request: HttpRequest, among: Collection[str], pins: Mapping[str, Any]) -> Counted:
    """The list's filters as the service takes them, within the queues that this person operates."""
    given, mine = request.GET, access.operable_queues(request.user)
    queue, state, definition = given.get("queue"), given.get("state"), given.get("definition", "")
    span = SPANS.get(given.get("created", ""))
    everything = len(mine) == len(catalogue.NAMES)
    return count_failed(
        among=[each for each in among if not state or each == state],
        queues=[each for each in mine if each == queue] if queue else None if everything else mine,
        job=given.get("job") or None,
        definition=_name_of(definition) if definition.isdecimal() else None,
        created_since=clock.now() - timedelta(seconds=span[1]) if span else None,
        **pins,
    )


def _name_of(definition: str) -> str:
    """A definition's name by its id; one that is gone has none, and no run bears that."""
    return JobDefinition.objects.filter(pk=definition).values_list("name", flat=True).first() or ""


def _do(request: HttpRequest, chosen: Chosen, why: str) -> HttpResponseBase | None:
    """Do it and say what came of it. A run that does it is shown."""
    what = chosen.what
    did = bulk.retry_failed(what, actor=access.actor_of(request), why=why)
    if did.run is not None:
        messages.success(request, f"{runs(what.bound)} will be put back into their queues by this run.")
        return HttpResponseRedirect(show.run_url(did.run.pk))
    tally = did.tally
    messages.success(request, f"{runs(tally.done)} put back into their queues.")
    if tally.blocked:
        messages.info(request, f"{left_alone(tally.blocked)}: a live run has the same dedupe key.")
    tell_left_alone(request, max(0, chosen.total - chosen.beyond - what.bound) + tally.missed, "retry")
    if chosen.beyond:
        messages.warning(request, f"{bulk.AT_ONCE:,} at a time: do it again for the rest, {chosen.beyond:,} more.")
    return None


def _page(
    model_admin: Any,
    request: HttpRequest,
    chosen: Chosen,
    form: Any,
    back: str,
    hidden: Mapping[str, list[str]],
) -> HttpResponseBase:
    what, number = chosen.what, chosen.what.total
    some = f"{number:,} of the {chosen.total:,} chosen runs" if number != chosen.total else runs(number)
    question = f"{some} will be put back into their queues, each with its whole number of attempts before it."
    return confirm.page(
        request,
        model_admin.admin_site,
        title=f"Retry {runs(number)}",
        question=question if number else "None of these runs is dead and yours to retry.",
        facts=_facts(chosen),
        form=form,
        submit=f"Retry {runs(number)}" if number else "",
        cancel_url=back,
        opts=model_admin.opts,
        hidden={**hidden, **confirm.pins(what.choice.ended_until, number)},
    )


def _facts(chosen: Chosen) -> list[str]:
    what = chosen.what
    facts = [
        f"{show.job_title(job)}: {n:,} {state}"
        for (state, job), n in sorted(what.counts.items(), key=lambda pair: -pair[1])[:8]
    ]
    if chosen.beyond:
        facts.append(f"{chosen.beyond:,} more after these: {bulk.AT_ONCE:,} go at once where runs are searched for")
    if what.bound > bulk.AT_ONCE:
        facts.append(MANY)
    return facts


MANY = f"Over {bulk.AT_ONCE:,}: a run on Maintenance does it chunk by chunk, and its page shows how far it is"
