"""What is done to a queue in the admin: pause, resume, drain, one or all. Asked first, why, then one service does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from queues.admin import access, confirm
from queues.contract import Actor
from queues.engine import queue_verbs
from queues.engine.queue_verbs import Changed
from queues.errors import WrongState
from queues.ledger.queue_settings import QueueSettings
from queues.models import Queue


@dataclass(frozen=True)
class Deed:
    """A verb: its words, its form, and its service for one queue (by name) and perhaps for all."""

    verb: str
    past: str
    question: str
    form: type[forms.Form]
    one: Callable[..., object]
    question_all: str = ""
    every: Callable[..., Changed] | None = None
    already: str = ""


PAUSE = Deed(
    "pause",
    "paused",
    "Workers take nothing more from it; what runs now goes on, what waits stays, and jobs can still be asked for.",
    confirm.PauseForm,
    queue_verbs.pause_queue,
    "Workers take nothing more at all; what runs now goes on, what waits stays, and jobs can still be asked for.",
    queue_verbs.pause_all,
    "paused already, with reasons of their own",
)
RESUME = Deed(
    "resume",
    "resumed",
    "Workers take everything from it again, within a second or two. This ends a pause and a drain.",
    confirm.WhyForm,
    queue_verbs.resume_queue,
    "Workers take from every queue again, within a second or two. This ends every pause and every drain.",
    queue_verbs.resume_all,
    "neither paused nor draining",
)
DRAIN = Deed(
    "drain",
    "draining",
    "What is there by now is finished, retries included. What is asked for from now on is accepted, and waits until the "
    "queue is resumed.",
    confirm.RequiredWhyForm,
    queue_verbs.drain_queue,
)
DEEDS = {deed.verb: deed for deed in (PAUSE, RESUME, DRAIN)}


def verbs_for(in_force: QueueSettings) -> list[str]:
    """The verbs that make sense now, the likeliest first."""
    verbs = ["resume"] if in_force.paused or in_force.draining else []
    if not in_force.paused:
        verbs += ["pause"] if in_force.draining else ["pause", "drain"]
    return [*verbs, "clean"]


def require_admin(request: HttpRequest, verb: str) -> Actor:
    """Who does it. Raises PermissionDenied."""
    if not access.may_administer(request.user):
        raise PermissionDenied(f"Your roles do not let you {verb} queues.")
    return access.actor_of(request)


def one(model_admin: Any, request: HttpRequest, name: str, verb: str) -> HttpResponse:
    """The question about one queue, or the deed when it comes back answered."""
    deed, queue = DEEDS[verb], get_object_or_404(Queue, pk=name)
    actor = require_admin(request, verb)
    form = deed.form(request.POST or None)
    if form.is_valid():
        try:
            deed.one(name, actor=actor, **form.cleaned_data)
            messages.success(request, f"{queue.title} is {deed.past}.")
            return HttpResponseRedirect(_list())
        except WrongState as refused:
            form.add_error(None, str(refused))
    return confirm.page(
        request, model_admin.admin_site, title=f"{verb.capitalize()} {queue.title}", question=deed.question, form=form,
        submit=f"{verb.capitalize()} the queue", cancel_url=_list(), obj=queue,
    )  # fmt: skip


def every(model_admin: Any, request: HttpRequest, verb: str) -> HttpResponse:
    """The question about all queues, or the deed when it comes back answered."""
    deed = DEEDS[verb]
    actor = require_admin(request, verb)
    form = deed.form(request.POST or None)
    if deed.every is not None and form.is_valid():
        try:
            _tell(request, deed, deed.every(actor=actor, **form.cleaned_data))
            return HttpResponseRedirect(_list())
        except WrongState as refused:
            form.add_error(None, str(refused))
    return confirm.page(
        request, model_admin.admin_site, title=f"{verb.capitalize()} all queues", question=deed.question_all, form=form,
        submit=f"{verb.capitalize()} all queues", cancel_url=_list(), opts=model_admin.opts,
    )  # fmt: skip


def _tell(request: HttpRequest, deed: Deed, did: Changed) -> None:
    changed, already = len(did.changed), len(did.already)
    if changed:
        messages.success(request, f"{changed} {'queue is' if changed == 1 else 'queues are'} {deed.past}.")
    if already:
        messages.info(request, f"{already} {'was' if already == 1 else 'were'} {deed.already}.")


def _list() -> str:
    return reverse("admin:queues_queue_changelist")
