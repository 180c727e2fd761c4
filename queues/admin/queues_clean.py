"""Cleaning a queue in the admin: what it is about is narrowed and counted first, then discarded as it was counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold import widgets as unfold

from queues.admin import confirm, show
from queues.admin.queues_deeds import require_admin
from queues.contract import Actor
from queues.engine import bulk
from queues.engine.bulk_count import WAITING, Counted, count_clean
from queues.ledger import states
from queues.models import Queue

WORDS = {states.PENDING: "due and waiting", states.SCHEDULED: "due later"}
JOBS_SHOWN = 8
AGES = {
    "10m": ("Over 10 minutes ago", 600),
    "1h": ("Over an hour ago", 3600),
    "24h": ("Over a day ago", 86_400),
    "7d": ("Over a week ago", 604_800),
}


class Narrow(forms.Form):
    """What the cleaning is about. Nothing given: all that waits."""

    among = forms.ChoiceField(
        label="What waits",
        required=False,
        choices=[
            ("", "All of it"),
            *((state, WORDS[state].capitalize()) for state in (states.PENDING, states.SCHEDULED)),
        ],
        widget=unfold.UnfoldAdminSelectWidget(),
    )
    job = forms.ChoiceField(label="Job", required=False, widget=unfold.UnfoldAdminSelectWidget())
    age = forms.ChoiceField(
        label="Created",
        required=False,
        choices=[("", "At any time"), *((key, label) for key, (label, _) in AGES.items())],
        widget=unfold.UnfoldAdminSelectWidget(),
    )

    def __init__(self, data: Any, jobs: Sequence[str]) -> None:
        super().__init__(data)
        names = sorted({*jobs, *([str(data["job"])] if data.get("job") else [])}, key=show.job_title)
        field: Any = self.fields["job"]
        field.choices = [("", "Every job"), *((name, show.job_title(name)) for name in names)]

    def count(self, queue: str, **pinned: Any) -> Counted:
        """Of a valid form."""
        given = self.cleaned_data
        age = AGES.get(given["age"])
        return count_clean(
            queue,
            among=[given["among"]] if given["among"] else WAITING,
            job=given["job"] or None,
            older_than_s=age[1] if age else None,
            **pinned,
        )


def view(model_admin: Any, request: HttpRequest, name: str) -> HttpResponse:
    """Counts by GET; discards by POST what the form's hidden values say was counted."""
    queue = get_object_or_404(Queue, pk=name)
    actor = require_admin(request, "clean")
    every = count_clean(name)
    narrow = Narrow(request.GET, jobs=[job for _, job in every.counts])
    form, pinned = confirm.RequiredWhyForm(request.POST or None), confirm.Pinned(request.POST)
    if not narrow.is_valid():
        return _page(model_admin, request, queue, narrow, form, None)
    if form.is_valid() and pinned.is_valid():
        what = narrow.count(name, until=pinned.cleaned_data["until"], limit=pinned.cleaned_data["expected"])
        return HttpResponseRedirect(_discard(request, queue, what, actor, form.cleaned_data["why"]))
    return _page(model_admin, request, queue, narrow, form, narrow.count(name))


def _discard(request: HttpRequest, queue: Queue, what: Counted, actor: Actor, why: str) -> str:
    """Do it and say what came of it. Returns where to go."""
    did = bulk.clean_queue(what, actor=actor, why=why)
    if did.run is not None:
        messages.success(request, f"{_runs(what.bound)} of {queue.title} will be discarded by this run.")
        return show.run_url(did.run.pk)
    if did.tally.done:
        messages.success(request, f"{_runs(did.tally.done)} of {queue.title} discarded.")
    if did.tally.done < what.bound or not what.bound:
        messages.info(request, "What had begun to run since it was counted was left alone.")
    return _list()


def _page(
    model_admin: Any, request: HttpRequest, queue: Queue, narrow: Narrow, form: forms.Form, what: Counted | None
) -> HttpResponse:
    total = what.total if what is not None else 0
    return confirm.page(
        request,
        model_admin.admin_site,
        title=f"Clean {queue.title}",
        question=_question(queue, total),
        facts=_facts(what) if what is not None else (),
        form=form,
        narrow=narrow,
        submit=f"Discard {_runs(total)}" if total else "",
        cancel_url=_list(),
        obj=queue,
        danger=True,
        hidden=confirm.pins(what.choice.created_until, total) if what is not None else {},
    )


def _question(queue: Queue, total: int) -> str:
    if not total:
        return f"Nothing of this kind waits in {queue.title}."
    return (
        f"{_runs(total)} that {'waits' if total == 1 else 'wait'} in {queue.title} will be discarded: cancelled, with "
        "their history kept. They can be put back from the list of runs. What runs now goes on, and what is asked for "
        "after this count stays."
    )


def _facts(what: Counted) -> list[str]:
    by_state = {state: sum(n for (of, _), n in what.counts.items() if of == state) for state in WORDS}
    by_job: dict[str, int] = {}
    for (_, job), number in what.counts.items():
        by_job[job] = by_job.get(job, 0) + number
    most = sorted(by_job.items(), key=lambda pair: -pair[1])
    facts = [f"{number:,} {WORDS[state]}" for state, number in by_state.items() if number]
    facts += [f"{show.job_title(job)}: {number:,}" for job, number in most[:JOBS_SHOWN]]
    if len(most) > JOBS_SHOWN:
        facts.append(f"{len(most) - JOBS_SHOWN} other jobs: {sum(n for _, n in most[JOBS_SHOWN:]):,}")
    if what.bound > bulk.AT_ONCE:
        facts.append(MANY)
    return facts


MANY = f"Over {bulk.AT_ONCE:,}: a run on Maintenance does it chunk by chunk, and its page shows how far it is"


def _runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number:,} runs"


def _list() -> str:
    return reverse("admin:queues_queue_changelist")
