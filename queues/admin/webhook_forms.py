"""What is asked of whoever makes a webhook, or changes one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from unfold import widgets as unfold

from queues import registry
from queues.admin import access, confirm, show
from queues.ledger.webhook_endpoints import BOTH_SIGN_S
from queues.ledger.webhook_events import DELIVERS, WORDS
from queues.models import WebhookEndpoint

HOURS = 3600


class WebhookForm(forms.Form):
    """Where, of what, on which queues. Admins choose for whom."""

    owner = forms.ModelChoiceField(
        queryset=User.objects.none(),
        widget=unfold.UnfoldAdminSelectWidget(),
        help_text="It is told what this account may read, as it is whenever it is told.",
    )
    url = forms.CharField(
        label="URL",
        max_length=1000,
        widget=unfold.UnfoldAdminTextInputWidget(attrs={"placeholder": "https://hooks.example.org/roundsman"}),
        help_text="https://, to a public address, port 443 or one from 1024 on.",
    )
    description = forms.CharField(
        max_length=200,
        required=False,
        widget=unfold.UnfoldAdminTextInputWidget(),
        help_text="What it is for: “Invoices to accounting”.",
    )
    events = forms.MultipleChoiceField(
        choices=list(WORDS.items()), widget=unfold.UnfoldAdminCheckboxSelectMultipleWidget()
    )
    queues = forms.MultipleChoiceField(
        label="On the queues", widget=unfold.UnfoldAdminCheckboxSelectMultipleWidget(), choices=()
    )
    jobs = forms.MultipleChoiceField(
        label="Only of these jobs",
        required=False,
        widget=unfold.UnfoldAdminSelectMultipleWidget(attrs={"size": 8}),
        help_text="None chosen: of all. Alerts are told in any case.",
    )
    why = forms.CharField(
        label="Why",
        max_length=300,
        required=False,
        widget=unfold.UnfoldAdminTextInputWidget(),
        help_text="Kept in the audit log.",
    )

    def __init__(self, data: Any, *, user: Any, row: WebhookEndpoint | None = None) -> None:
        names = ("url", "description", "events", "queues", "jobs")
        now = {"owner": user.pk} if row is None else {name: getattr(row, name) for name in names}
        super().__init__(data, initial=now)
        offered: dict[str, Any] = self.fields
        if row is None and access.may_administer(user):
            offered["owner"].queryset = User.objects.filter(is_active=True).order_by("username")
        else:
            del offered["owner"]
        queues, jobs = access.subscribable_queues(user), access.readable_jobs(user)
        known = [spec for spec in registry.specs() if spec.name in jobs and spec.name != DELIVERS]
        offered["queues"].choices = [(name, show.queue_title(name)) for name in queues]
        offered["jobs"].choices = [(spec.name, spec.title) for spec in known]


class RotateForm(confirm.RequiredWhyForm):
    """A reason, and for how long both secrets sign."""

    hours = forms.IntegerField(
        label="Both sign for so many hours",
        min_value=0,
        max_value=168,
        initial=BOTH_SIGN_S // HOURS,
        widget=unfold.UnfoldAdminIntegerFieldWidget(),
        help_text="0: the one it has now ends at once, as it should when it leaked.",
    )
