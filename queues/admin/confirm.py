"""The page between a button and its deed: what will happen, why, and a POST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.db import models
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_datetime
from unfold import widgets as unfold

from queues.admin.params_fields import native


class WhyForm(forms.Form):
    """A reason, for the audit log."""

    why = forms.CharField(
        label="Why",
        max_length=300,
        required=False,
        widget=unfold.UnfoldAdminTextInputWidget(attrs={"autofocus": True}),
        help_text="Kept in the audit log.",
    )


class RequiredWhyForm(WhyForm):
    """A reason that must be given."""

    why = forms.CharField(
        label="Why",
        max_length=300,
        widget=unfold.UnfoldAdminTextInputWidget(attrs={"autofocus": True}),
        help_text="Others will want to know. Kept in the audit log.",
        error_messages={"required": "Say why: others will want to know."},
    )


class PauseForm(RequiredWhyForm):
    """A reason, and perhaps an end."""

    until = forms.DateTimeField(
        label="Until", required=False, widget=native("datetime-local"), help_text="Empty: until somebody resumes it."
    )


class Pinned(forms.Form):
    """What a page had counted, and when: no more than that is done when it comes back answered (see `pins`)."""

    until = forms.CharField()
    expected = forms.IntegerField(min_value=1)

    def clean_until(self) -> datetime:
        try:
            until = parse_datetime(self.cleaned_data["until"])
        except ValueError:
            until = None
        if until is None or until.tzinfo is None:
            raise forms.ValidationError("This is no moment with its offset.")
        return until


def pins(until: datetime | None, expected: int) -> dict[str, list[str]]:
    """The hidden values that `Pinned` reads."""
    return {"until": [until.isoformat()], "expected": [str(expected)]} if until is not None and expected else {}


def page(
    request: HttpRequest,
    site: AdminSite,
    *,
    title: str,
    question: str,
    form: forms.Form,
    submit: str,
    cancel_url: str,
    obj: models.Model | None = None,
    opts: Any = None,
    danger: bool = False,
    facts: Sequence[str] = (),
    hidden: Mapping[str, Sequence[str]] | None = None,
    narrow: forms.Form | None = None,
) -> TemplateResponse:
    """`question` says what the deed changes; `facts` are listed below it; `hidden` inputs come back with the POST.

    `narrow`: a form that asks this page again by GET, to say what the deed is about. No `submit`: there is nothing to do.
    """
    context = {
        **site.each_context(request),
        "title": title,
        "question": question,
        "facts": facts,
        "form": form,
        "submit": submit,
        "danger": danger,
        "cancel_url": cancel_url,
        "original": obj,
        "opts": opts or (obj._meta if obj is not None else None),
        "narrow": narrow,
        "hidden": [(name, value) for name, values in (hidden or {}).items() for value in values],
    }
    request.current_app = site.name  # type: ignore[attr-defined]
    return TemplateResponse(request, "queues/confirm.html", context)
