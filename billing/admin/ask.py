"""The page between a button of billing and its deed: what it will do, why, and a POST. Then one service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.forms.widgets import Input
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold import widgets as unfold

from billing.admin import pieces
from billing.admin.base import BillingAdmin, WhyForm
from queues.errors import RoundsmanError

__all__ = ["Done", "Question", "RequiredWhyForm", "WhyForm", "ask", "posted"]


class RequiredWhyForm(WhyForm):
    """A reason that must be given."""

    why = forms.CharField(
        label="Why", max_length=300, widget=unfold.UnfoldAdminTextInputWidget(),
        help_text="Others will want to know. Kept in the audit log.",
        error_messages={"required": "Say why: others will want to know."},
    )  # fmt: skip


@dataclass(frozen=True)
class Question:
    """What a person is asked before a deed. `hidden` comes back with the POST; without `submit` there is nothing to do."""

    title: str
    text: str
    submit: str
    facts: Sequence[str] = ()
    danger: bool = False
    hidden: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """What is said after a deed, and the page that follows it: the one before, where none is named."""

    told: str
    page: str = ""


Deed = Callable[[dict[str, Any]], str | Done]  # what the form says → what was done


def ask(
    admin: BillingAdmin, request: HttpRequest, question: Question, form: forms.Form, do: Deed, *, obj: Any = None, back: str = ""
) -> HttpResponse:  # fmt: skip
    """GET, and a form with errors: the question. A valid POST: `do`, then what was done, on its page or on `back`, which is the page of
    `obj` where none is named.

    What a service refuses is told above the form, and nothing was done.
    """
    back = back or pieces.page_of(obj)
    _begin(form)
    if request.method == "POST" and question.submit and form.is_valid():
        try:
            answer = do(form.cleaned_data)
        except RoundsmanError as refused:
            form.add_error(None, str(refused))
        else:
            done = answer if isinstance(answer, Done) else Done(answer)
            messages.success(request, done.told)
            return HttpResponseRedirect(done.page or back)
    context = {
        "question": question.text, "facts": question.facts, "form": form, "submit": question.submit, "danger": question.danger,
        "cancel_url": back, "original": obj, "hidden": list(question.hidden.items()),
    }  # fmt: skip
    return admin.page(request, "queues/confirm.html", question.title, **context)


def _begin(form: forms.Form) -> None:
    """The cursor is in the first field that is typed into."""
    typed = [each.field.widget for each in form.visible_fields() if isinstance(each.field.widget, Input)]
    for widget in typed:
        widget.attrs["autofocus"] = widget is typed[0]


def posted(request: HttpRequest) -> Any:
    """A form's data: of a POST alone."""
    return request.POST if request.method == "POST" else None
