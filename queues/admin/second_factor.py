"""One's own second factor: set up with a QR code and a first code, and removed with another one."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Callable

import segno
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.safestring import mark_safe
from unfold import widgets as unfold

from queues.admin import access
from queues.ledger import second_factor

app_name = "second_factor"


class CodeForm(forms.Form):
    """What the authenticator application shows now."""

    code = forms.CharField(
        label="Code",
        max_length=16,
        widget=unfold.UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "autofocus": True}),
        help_text="The six digits that the application shows now.",
        error_messages={"required": "Type the code that the application shows."},
    )


class RemovalForm(CodeForm):
    code = forms.CharField(
        label="Code",
        max_length=16,
        widget=unfold.UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "autofocus": True}),
        help_text="From the application, or a backup code.",
    )


def mine(request: HttpRequest) -> HttpResponse:
    """How it stands; where there is none, the way to set it up."""
    user = request.user
    if second_factor.is_on(user):
        return _page(request, "queues/second_factor.html", left=second_factor.backup_codes_left(user))
    form = CodeForm(request.POST or None)
    if form.is_valid():
        done = second_factor.confirm(user, form.cleaned_data["code"], actor=access.actor_of(request))
        if done is not None:
            return _page(request, "queues/second_factor_codes.html", codes=done.backup_codes)
        form.add_error(
            "code", "This is not the code. Check that the telephone's clock is right, and take the next one."
        )
    device = second_factor.begin(user)
    secret = b32encode(device.bin_key).decode()
    drawn = segno.make(device.config_url, micro=False).svg_inline(omitsize=True, border=3, dark="#000", light="#fff")
    picture = mark_safe(drawn)  # nosec B308 B703 # nosemgrep: no-marked-text (drawn here, of our own text)
    return _page(
        request, "queues/second_factor_add.html", form=form, required=settings.STAFF_TOTP_REQUIRED,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        picture=picture,
    )  # fmt: skip


def remove(request: HttpRequest) -> HttpResponse:
    """With a code: a browser left open is not enough."""
    form = RemovalForm(request.POST or None)
    if not second_factor.is_on(request.user):
        return HttpResponseRedirect(reverse("second_factor:mine"))
    if form.is_valid():
        if second_factor.passes(request.user, form.cleaned_data["code"]):
            second_factor.remove(request.user, actor=access.actor_of(request))
            messages.success(request, "The second factor is removed: the password alone signs you in.")
            return HttpResponseRedirect(reverse("second_factor:mine"))
        form.add_error("code", "This is not the code, or it was used before: take the next one.")
    return _page(request, "queues/second_factor_remove.html", form=form)


class RequiredMiddleware:
    """Where STAFF_TOTP_REQUIRED says so, staff without a second factor see nothing of the admin but the page to set it up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.STAFF_TOTP_REQUIRED and _must_set_up(request):
            return HttpResponseRedirect(reverse("second_factor:mine"))
        return self.get_response(request)


def _must_set_up(request: HttpRequest) -> bool:
    free = (reverse("second_factor:mine"), reverse("admin:logout"), reverse("admin:login"), reverse("admin:jsi18n"))
    inside = request.path.startswith(reverse("admin:index")) and request.path not in free
    user = request.user if inside else None
    return user is not None and bool(getattr(user, "is_staff", False)) and not second_factor.is_on(user)


def _page(request: HttpRequest, template: str, **context: object) -> HttpResponse:
    request.current_app = admin.site.name  # type: ignore[attr-defined]
    frame = {**admin.site.each_context(request), "title": "Second factor"}
    page = TemplateResponse(request, template, {**frame, **context})
    add_never_cache_headers(page)
    return page


urlpatterns = [
    path("", admin.site.admin_view(mine), name="mine"),
    path("remove/", admin.site.admin_view(remove), name="remove"),
]
