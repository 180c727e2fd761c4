"""What the pages of money share: nothing is changed by forms."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from billing.admin.base import BillingAdmin, actor_of

__all__ = ["MoneyAdmin", "actor_of"]


class MoneyAdmin(BillingAdmin):
    """Read-only: documents, payments and books change by verbs, which have pages of their own."""

    warn_unsaved_form = False
    list_title = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = {"title": self.list_title} if self.list_title else {}
        answer: HttpResponse = super().changelist_view(request, {**title, **(extra_context or {})})
        return answer

    def shown(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        """A page of ours in the admin's frame."""
        return self.page(request, template, title, **context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        return super().changeform_view(request, object_id, form_url, {"show_history": False, **(extra_context or {})})
