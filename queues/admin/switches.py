"""Switches: how each stands and by whose word, and the throwing of one. For admins alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from queues.admin import access, confirm
from queues.admin.base import PolicyAdmin
from queues.errors import WrongState
from queues.ledger import switches
from queues.models import Switch

WORDS = {"on": True, "off": False, "environment": None}


@admin.register(Switch)
class SwitchAdmin(PolicyAdmin):
    """There is a row only where staff said something; the page shows every switch there is."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_view_permission(request)) and access.may_administer(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        throws = [
            path(f"<slug:name>/{word}/", wrap(self.throw_view), {"word": word}, name=f"queues_switch_{word}")
            for word in WORDS
        ]
        return [*throws, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied("Switches are for admins.")
        context = {
            **self.admin_site.each_context(request),
            "title": "Switches",
            "opts": self.opts,
            "positions": switches.positions(),
        }
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return TemplateResponse(request, "queues/switches.html", context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """All there is to see of one is in the list."""
        return HttpResponseRedirect(_list())

    def throw_view(self, request: HttpRequest, name: str, word: str) -> HttpResponse:
        """The question, or the deed when it comes back answered."""
        if not self.has_view_permission(request):
            raise PermissionDenied("Switches are for admins.")
        try:
            spec = switches.get(name)
        except switches.UnknownSwitch as error:
            raise Http404(str(error)) from None
        form = confirm.RequiredWhyForm(request.POST or None)
        if form.is_valid():
            try:
                switches.throw(name, WORDS[word], actor=access.actor_of(request), why=form.cleaned_data["why"])
                messages.success(
                    request, f"{spec.title}: {_stands(word)}. In force on every worker within two seconds."
                )
                return HttpResponseRedirect(_list())
            except WrongState as refused:
                form.add_error(None, str(refused))
        return confirm.page(
            request, self.admin_site, title=f"{spec.title}: {_stands(word)}", question=_question(spec, word), form=form,
            submit=_button(word), cancel_url=_list(), opts=self.opts, danger=word == "off",
        )  # fmt: skip


def _question(spec: switches.SwitchSpec, word: str) -> str:
    if word == "off":
        return f"{spec.off} It takes hold on every worker within two seconds, and nothing is lost."
    if word == "on":
        return f"It is on from then on, whatever {spec.variable} says, on every worker within two seconds."
    return f"What was said here is forgotten: {spec.variable} decides again, on every worker within two seconds."


def _button(word: str) -> str:
    return {"on": "Switch it on", "off": "Switch it off"}.get(word, "Leave it to the environment")


def _stands(word: str) -> str:
    return "as the environment says" if word == "environment" else word


def _list() -> str:
    return reverse("admin:queues_switch_changelist")
