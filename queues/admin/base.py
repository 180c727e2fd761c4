"""What every page of ours shares: permissions by the policy, deletion with a reason, an empty list's hint, no second log."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from queues.admin import access, confirm


class AttachingChangeList(ChangeList):  # type: ignore[misc]
    """Lets the ModelAdmin give the page's rows what its columns tell, in a query or two for all of them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.has_active_filters and not self.query:
            self.full_result_count = self.result_count  # uncounted, the header would say "n results (show all)" of all
        rows: list[Any] = list(self.result_list)
        self.model_admin.attach(request, rows)
        self.result_list = rows


class PolicyAdmin(ModelAdmin):  # type: ignore[misc]
    """Django's model permissions play no part: the policy decides, by the row's queue."""

    list_fullwidth = True
    compressed_fields = True
    warn_unsaved_form = True
    show_facets = ShowFacets.NEVER  # counting every filter of millions of rows
    empty_hint = ""
    empty_link: tuple[str, str] | None = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not request.user.is_active or not getattr(request.user, "is_staff", False):
            return False
        return bool(access.readable_queues(request.user)) if obj is None else access.may_see(request.user, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(access.operable_queues(request.user))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request) if obj is None else access.may_operate(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """The history is the audit log's: shown to those who may read it."""
        extra = {"show_history": access.may_audit(request.user), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, extra)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AttachingChangeList

    def attach(self, request: HttpRequest, rows: list[Any]) -> None:
        """Put onto the page's rows what the columns need beyond the row."""

    def get_actions(self, request: HttpRequest) -> Any:
        """Deleting in bulk would pass by the services."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Asks why, and calls the service (`delete_model`); Django's page would list every related row."""
        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404(f"There is no such {self.opts.verbose_name}.")
        if not self.has_delete_permission(request, obj):
            raise PermissionDenied(f"Your roles do not let you delete this {self.opts.verbose_name}.")
        form = confirm.WhyForm(request.POST or None)
        if form.is_valid():
            label, noun = str(obj), self.opts.verbose_name
            self.delete_with_reason(request, obj, form.cleaned_data["why"])
            messages.success(request, f"The {noun} “{label}” is deleted.")
            return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))
        return confirm.page(
            request, self.admin_site, title=f"Delete “{obj}”", question=self.delete_question(obj), form=form,
            submit="Delete it", danger=True, obj=obj,
            cancel_url=reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[obj.pk]),
        )  # fmt: skip

    def delete_question(self, obj: Any) -> str:
        """What deleting takes along."""
        return "It is removed for good."

    def delete_with_reason(self, request: HttpRequest, obj: Any, why: str) -> None:
        """Call the service that deletes and audits."""
        raise PermissionDenied(f"A {self.opts.verbose_name} is not deleted here.")

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The services write the audit log; Django's own would tell the same again."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """See log_addition."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """See log_addition."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """An object's history is its part of the audit log."""
        query = urlencode({"q": object_id})
        return HttpResponseRedirect(f"{reverse('admin:queues_auditentry_changelist')}?{query}")


class ReadOnlyAdmin(PolicyAdmin):
    """Rows that the engine writes: looked at, never changed here."""

    actions = None
    warn_unsaved_form = False

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        return super().changeform_view(request, object_id, form_url, {"show_history": False, **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
