"""What is done to a webhook beside changing it: the question with its why, then the service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from queues.admin import access, confirm
from queues.admin.webhook_forms import HOURS, RotateForm
from queues.errors import WrongState
from queues.ledger import webhook_endpoints
from queues.models import WebhookEndpoint


@dataclass(frozen=True)
class Verb:
    """On the button, as the question, and what is said afterwards."""

    label: str
    question: str
    said: str
    fits: Callable[[WebhookEndpoint], bool]
    form: type[forms.Form] = confirm.WhyForm
    danger: bool = False


VERBS = {
    "test": Verb(
        "Send a test",
        "It is told a webhook.test within two seconds. What comes of it is among its deliveries.",
        "A test is on its way.",
        lambda row: row.enabled,
    ),
    "rotate": Verb(
        "New secret",
        "The new secret is shown once. For a while both sign, so that the receiver can change over without a gap.",
        "",
        lambda row: True,
        RotateForm,
    ),
    "pause": Verb(
        "Pause",
        "Nothing more is sent to it, and nothing new is kept for it. What waits goes on when it is resumed.",
        "The webhook is paused.",
        lambda row: row.enabled,
        confirm.RequiredWhyForm,
    ),
    "resume": Verb(
        "Resume",
        "It is told again of what happens from now on, and of what waited. What happened meanwhile is not made up for.",
        "The webhook is on.",
        lambda row: not row.enabled,
    ),
}


def carry_out(model_admin: Any, request: HttpRequest, row: WebhookEndpoint, verb: str) -> HttpResponse:
    """The question, or the deed when it comes back answered."""
    spec, back = VERBS[verb], reverse("admin:queues_webhookendpoint_change", args=[row.pk])
    form = spec.form(request.POST if request.method == "POST" else None)
    if form.is_valid():
        how: dict[str, Any] = {"actor": access.actor_of(request), "why": form.cleaned_data["why"]}
        try:
            if verb == "rotate":
                kept_s = form.cleaned_data["hours"] * HOURS
                done = webhook_endpoints.rotate(row, both_sign_s=kept_s, **how)
                return model_admin.told_once(request, done, "This is the new secret")  # type: ignore[no-any-return]
            act: Callable[..., object] = {
                "test": webhook_endpoints.send_test, "pause": webhook_endpoints.pause, "resume": webhook_endpoints.resume,
            }[verb]  # fmt: skip
            act(row, **how)
        except WrongState as wrong:
            messages.warning(request, str(wrong))
        else:
            messages.success(request, spec.said)
        return HttpResponseRedirect(back)
    return confirm.page(
        request, model_admin.admin_site, title=f"{spec.label}: {row}", question=spec.question, form=form, submit=spec.label,
        danger=spec.danger, obj=row, cancel_url=back, facts=[row.url.partition("?")[0]],
    )  # fmt: skip
