"""One call on a page: what was asked, how it stands, what came back; and the page on which a person settles it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold import widgets as unfold

from queues.admin import access, confirm, show
from queues.admin.params_fields import JsonText
from queues.engine import outbox
from queues.errors import WrongState
from queues.ledger.outbox_states import DONE, PENDING, REFUSED, SENDING, UNKNOWN
from queues.models import AuditEntry, OutboundCall, Run

QUEUE = "external-api"
TONES = {PENDING: "idle", SENDING: "info", DONE: "ok", REFUSED: "warn", UNKNOWN: "bad"}


@dataclass(frozen=True)
class Verb:
    """What a person may decide: on the button, as the question, and what is said afterwards."""

    label: str
    question: str
    said: str
    danger: bool = False


VERBS: dict[tuple[str, str], Verb] = {
    (UNKNOWN, DONE): Verb(
        "It was done",
        "You have found out that the provider carried it out. The run that asked for it gets this as its answer.",
        "The call is done.",
    ),
    (UNKNOWN, REFUSED): Verb(
        "It was not done",
        "You have found out that the provider did not carry it out, and it is not to be sent any more.",
        "The call counts as refused.",
        danger=True,
    ),
    (UNKNOWN, PENDING): Verb(
        "Send it again",
        "You have found out that the provider did not carry it out and will not do so any more. It is sent again at "
        "once, whatever became of the run that asked for it. If you are mistaken, it is done twice.",
        "The call is sent again.",
        danger=True,
    ),
    (PENDING, REFUSED): Verb(
        "Withdraw it",
        "The call has not been sent, and will not be. The run that asked for it is told that it was refused.",
        "The call is withdrawn.",
        danger=True,
    ),
}


class DoneForm(confirm.RequiredWhyForm):
    """A reason, and what the handler is to be told."""

    response = JsonText(
        label="The provider’s answer",
        required=False,
        widget=unfold.UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text='JSON, as the provider would have answered: {"id": "ch_17"}. Its run may need it. Empty: {}',
    )

    def clean_response(self) -> Any:
        response = self.cleaned_data["response"]
        if response is not None and not isinstance(response, dict):
            raise ValidationError("The answer is an object: { … }.")
        return response


def may_see(user: Any) -> bool:
    return QUEUE in access.readable_queues(user)


def may_settle(user: Any) -> bool:
    return QUEUE in access.operable_queues(user)


def badge(state: str) -> SafeString:
    return show.badge(OutboundCall.State(state).label, TONES[state])


def next_step(call: OutboundCall) -> str | SafeString:
    """When or by whom an open call is looked after next."""
    if call.state == PENDING and call.run_id is not None:
        return "by its run"
    if call.state == UNKNOWN and call.next_at is None:
        return show.badge("needs a person", "bad")
    return show.when(call.next_at) if call.state in (PENDING, SENDING, UNKNOWN) else show.NONE


def detail(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    call = _call(model_admin, request, object_id)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": call,
        "title": f"{call.provider} {call.operation}",
        "call": call,
        "state": badge(call.state),
        "next": next_step(call),
        "explained": _explained(call),
        "run": Run.objects.filter(pk=call.run_id).only("pk", "state", "job").first() if call.run_id else None,
        "verbs": [
            (verb.label, reverse("admin:queues_outboundcall_resolve", args=[call.pk, outcome]))
            for (state, outcome), verb in VERBS.items()
            if state == call.state and may_settle(request.user)
        ],
        "asked": show.pretty(call.request),
        "answered": show.pretty(call.response) if call.response is not None else "",
        "entries": AuditEntry.objects.filter(object_type="call", object_id=str(call.pk))
        if access.may_audit(request.user)
        else [],
    }
    return TemplateResponse(request, "queues/call_detail.html", context)


def resolve(model_admin: Any, request: HttpRequest, object_id: str, outcome: str) -> HttpResponse:
    """The question with its why, then the service."""
    call = _call(model_admin, request, object_id)
    if not may_settle(request.user):
        raise PermissionDenied("Your roles do not let you settle calls to outside.")
    back = HttpResponseRedirect(reverse("admin:queues_outboundcall_change", args=[call.pk]))
    verb = VERBS.get((call.state, outcome))
    if verb is None:
        messages.warning(request, f"This call is {call.get_state_display().lower()}: that does not apply any more.")
        return back
    form: forms.Form = (DoneForm if outcome == DONE else confirm.RequiredWhyForm)(request.POST or None)
    if form.is_valid():
        told = form.cleaned_data
        try:
            outbox.resolve(
                call.pk, outcome, actor=access.actor_of(request), why=told["why"], response=told.get("response")
            )
        except WrongState as wrong:
            messages.warning(request, str(wrong))
        else:
            messages.success(request, verb.said)
        return back
    return confirm.page(
        request, model_admin.admin_site, title=verb.label, question=verb.question, form=form, submit=verb.label,
        danger=verb.danger, obj=call, cancel_url=back.url,
        facts=[f"{call.provider} {call.operation}", call.key, f"idempotency key {call.idempotency_key}"],
    )  # fmt: skip


def _explained(call: OutboundCall) -> str:
    """What an open call's state means for who reads it."""
    if call.state == UNKNOWN and call.next_at is None:
        return (
            "It was sent, and nobody can tell what became of it: the provider cannot be asked, and sending it again might "
            "do it twice. Find out from the provider, then say so here."
        )
    if call.state == UNKNOWN:
        return "It was sent, and nobody knows yet what became of it. It is looked up at the provider by itself."
    if call.state == PENDING and call.run_id is not None:
        return (
            "It has not been sent. The run that asked for it sends it; if that run is over, nobody does: retry the run."
        )
    return ""


def _call(model_admin: Any, request: HttpRequest, object_id: str) -> OutboundCall:
    try:
        call = OutboundCall.objects.get(pk=object_id)
    except (OutboundCall.DoesNotExist, ValidationError, ValueError):
        raise Http404("There is no such call.") from None
    if not model_admin.has_view_permission(request, call):
        raise PermissionDenied("Your roles do not let you see calls to outside.")
    return call
