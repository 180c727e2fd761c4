"""Rate limits of the API that are others than the settings': for a role, a person or an API key. For admins alone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.safestring import SafeString

from queues.admin import access, show
from queues.admin.base import PolicyAdmin
from queues.ledger import allowances
from queues.models import Allowance

WHOM = ("kind", "name", "bucket")


class AllowanceForm(forms.ModelForm):  # type: ignore[type-arg]
    """Whose, of what, and how much. Whom it is about stays as it was written: for somebody else there is another."""

    class Meta:
        model = Allowance
        fields = (*WHOM, "count", "per_s", "note")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "kind" in cleaned and "name" in cleaned:
            cleaned["name"] = allowances.named(cleaned["kind"], cleaned["name"])
            allowances.prove(Allowance(kind=cleaned["kind"], name=cleaned["name"]))
        return cleaned


@admin.register(Allowance)
class AllowanceAdmin(PolicyAdmin):
    """There is a row only where staff said something; for all others the settings hold."""

    form = AllowanceForm
    list_display = ("whose", "kind", "bucket", "allowed", "note")
    list_display_links = ("whose",)
    list_filter = ("kind", "bucket")
    list_per_page = 50
    search_fields = ("name", "note")
    search_help_text = "Role, user, key, note"
    show_full_result_count = False
    actions = None
    empty_hint = (
        "The limits are as the settings say. Write one here for a role, a user or an API key that needs another."
    )
    fieldsets = (
        (
            None,
            {
                "fields": (*WHOM, "count", "per_s", "note"),
                "description": "A key's own limit goes before its user's, a user's before those of the roles, and of "
                "several roles' the most generous counts. In force on every web process within a few seconds.",
            },
        ),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_view_permission(request)) and access.may_administer(request.user)

    has_change_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else WHOM

    def save_model(self, request: HttpRequest, obj: Allowance, form: Any, change: bool) -> None:
        allowances.save_allowance(obj, actor=access.actor_of(request))

    def delete_question(self, obj: Any) -> str:
        return "What else is said of them is in force again within a few seconds: a user's limit, the roles', or the settings'."

    def delete_with_reason(self, request: HttpRequest, obj: Any, why: str) -> None:
        allowances.delete_allowance(obj, actor=access.actor_of(request), why=why)

    @display(description="For", ordering="name")
    def whose(self, obj: Allowance) -> str:
        return obj.name

    @display(description="Allowed")
    def allowed(self, obj: Allowance) -> str | SafeString:
        return f"{obj.count:,} in {show.span(obj.per_s)}"
