"""What the pages of money share: nothing is changed by forms, and rows bring along what columns tell."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from unfold.views import ChangeList

from billing.admin.base import BillingAdmin, actor_of

__all__ = ["MoneyAdmin", "actor_of"]


class AttachingChangeList(ChangeList):  # type: ignore[misc]
    """Lets the page give its rows what its columns tell, in a query or two for all of them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.has_active_filters and not self.query:
            self.full_result_count = self.result_count
        rows: list[Any] = list(self.result_list)
        self.model_admin.attach(request, rows)
        self.result_list = rows


class MoneyAdmin(BillingAdmin):
    """Read-only: documents, payments and books change by verbs, which have pages of their own."""

    warn_unsaved_form = False
    list_title = ""

    class Media:
        css: ClassVar = {"all": ["billing/billing.css"]}

    whose = "Billing is for those who run its jobs: managers and admins."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AttachingChangeList

    def attach(self, request: HttpRequest, rows: list[Any]) -> None:
        """Put onto the page's rows what the columns need beyond the row."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = {"title": self.list_title} if self.list_title else {}
        answer: HttpResponse = super().changelist_view(request, {**title, **(extra_context or {})})
        return answer

    def enter(self, request: HttpRequest) -> None:
        """Raises PermissionDenied for whom this page is not."""
        if not self.has_view_permission(request):
            raise PermissionDenied(self.whose)

    def found(self, request: HttpRequest, pk: Any, *related: str) -> Any:
        """The row of a page, for who may see it. Raises PermissionDenied, Http404."""
        self.enter(request)
        try:
            return self.get_queryset(request).select_related(*related).get(pk=pk)
        except (self.model.DoesNotExist, ValidationError, ValueError):
            raise Http404(f"There is no such {self.opts.verbose_name}.") from None

    def shown(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        """A page of ours in the admin's frame."""
        return self.page(request, template, title, **context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        return super().changeform_view(request, object_id, form_url, {"show_history": False, **(extra_context or {})})
