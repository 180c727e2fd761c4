"""One alert on a page: what was found, what to do, how the figure went and what happened; and to take care of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from queues.admin import access, alert_overrides, alerts_facts, confirm
from queues.admin.sparkline import sparkline
from queues.errors import WrongState
from queues.ledger import clock
from queues.models import Alert, AlertOverride, HealthSample
from queues.watch import acknowledge as service
from queues.watch import alert_rights
from queues.watch.alert_overrides import in_force
from queues.watch.alert_rules import shown

POINTS, BEFORE = 120, timedelta(minutes=30)
TONES = {
    "opened": "warn",
    "reopened": "warn",
    "worsened": "bad",
    "eased": "ok",
    "resolved": "ok",
    "acknowledged": "info",
}
FIGURES: dict[str, Callable[[HealthSample], float | None]] = {  # what the samples hold of a rule's figure
    "queue_wait": lambda s: s.oldest_wait_s,
    "mean_wait": lambda s: s.mean_wait_s,
    "mean_processing": lambda s: s.mean_processing_s,
    "processing_latency": lambda s: None if s.mean_processing_s is None else s.mean_processing_s * 1000,
    "backlog": lambda s: s.depth,
    "stalled": lambda s: s.rate_per_min,
    "failure_rate": lambda s: 100 * s.failed / max(1, s.failed + s.succeeded),
}


class NoteForm(confirm.WhyForm):
    """What is being done."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["why"].label = "Note"
        self.fields["why"].help_text = "What you do about it. Shown with the alert, and kept in the audit log."


def may_steer(request: HttpRequest) -> bool:
    return access.may_administer(request.user)


def detail(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    alert = alert_of(model_admin, request, object_id)
    told = alerts_facts.told(alert, in_force(), clock.now())
    events = [(event, TONES.get(event.kind, "idle")) for event in alert.events.all()]
    may = alert.open and not alert.acknowledged_at and alert_rights.may_acknowledge(request.user, alert)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": alert,
        "title": f"{told.title}: {told.where}",
        "media": model_admin.media,
        "alert": alert,
        "told": told,
        "rule": told.rule,
        "events": events,
        **_line(alert, told),
        "acknowledge_url": reverse("admin:queues_alert_acknowledge", args=[alert.pk]) if may else "",
        "override_url": _override_url(alert) if may_steer(request) and told.rule else "",
    }
    return TemplateResponse(request, "queues/alert_detail.html", context)


def acknowledge(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """The question, or the deed when it comes back answered."""
    alert = alert_of(model_admin, request, object_id)
    if not alert_rights.may_acknowledge(request.user, alert):
        raise PermissionDenied("Your roles do not let you acknowledge this alert.")
    told = alerts_facts.told(alert, in_force(), clock.now())
    form = NoteForm(request.POST or None)
    if form.is_valid():
        try:
            service.acknowledge(alert.pk, actor=access.actor_of(request), note=form.cleaned_data["why"])
            messages.success(request, f"{told.title}, {told.where}: you are on it.")
        except WrongState as wrong:
            messages.warning(request, str(wrong))
        return HttpResponseRedirect(told.url)
    return confirm.page(
        request, model_admin.admin_site, title="Take care of this alert", form=form, obj=alert,
        question="Others see that you are on it. It stays open until its figure is well again; if it gets worse, it must be "
        "acknowledged anew.",
        facts=[f"{told.title}, {told.where}", alert.text], submit="I am on it", cancel_url=told.url,
    )  # fmt: skip


def alert_of(model_admin: Any, request: HttpRequest, object_id: str) -> Alert:
    """Raises Http404, PermissionDenied."""
    try:
        alert = Alert.objects.get(pk=object_id)
    except (Alert.DoesNotExist, ValidationError, ValueError):
        raise Http404("There is no such alert. It may have been removed after its retention.") from None
    if not model_admin.has_view_permission(request, alert):
        raise PermissionDenied("Your roles do not let you see this alert.")
    return alert


def _line(alert: Alert, told: alerts_facts.Told) -> dict[str, str | SafeString]:
    """How the figure went, from half an hour before the alert opened, and its highest; nothing where no sample holds it."""
    figure = FIGURES.get(alert.rule)
    if figure is None or told.rule is None:
        return {}
    until = alert.resolved_at or told.now
    rows = HealthSample.objects.filter(queue=alert.queue, at__gte=alert.opened_at - BEFORE, at__lte=until)
    found = [value for row in rows.defer("reasons").order_by("-at")[:3000] if (value := figure(row)) is not None][::-1]
    values = found[:: max(1, len(found) // POINTS)]
    top = shown(max(values, default=0.0), told.rule.unit)
    return {"top": top, "line": sparkline(values, title=f"{told.title}, up to {top}", width=640, height=90)}


def _override_url(alert: Alert) -> str:
    row = AlertOverride.objects.filter(rule=alert.rule, queue=alert.queue).first()
    return alert_overrides.url_of(alert.rule, alert.queue, row)
