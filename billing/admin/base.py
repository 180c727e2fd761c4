"""What every page of billing shares: for whom it is, words for what is refused, deletion with a reason, no second log."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from unfold import widgets as unfold
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.views import ChangeList

from billing.access import may_bill
from billing.admin import pieces
from billing.errors import WrongFields
from billing.services.master import data
from queues.client_address import address_of
from queues.contract import Actor


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person, for the audit log."""
    user: Any = request.user
    return Actor(
        label=user.get_username(), source="admin", user_id=user.pk, address=address_of(request),
        request_id=str(getattr(request, "request_id", "")),
    )  # fmt: skip


def may_see(request: HttpRequest) -> bool:
    """Staff who may bill."""
    return bool(request.user.is_active and getattr(request.user, "is_staff", False)) and may_bill(request.user)


def day_input() -> forms.DateInput:
    """The browser's own date input, in the look of the other fields."""
    return forms.DateInput(attrs={"type": "date", "class": " ".join(unfold.INPUT_CLASSES)}, format="%Y-%m-%d")


class DayField(forms.DateField):
    """A day, whatever widget the admin would have put."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "widget": day_input()})


DAYS = {models.DateField: {"form_class": DayField}}


class WhyForm(forms.Form):
    """A reason, for the audit log."""

    why = forms.CharField(
        label="Why", max_length=300, required=False, widget=unfold.UnfoldAdminTextInputWidget(attrs={"autofocus": True}),
        help_text="Kept in the audit log.",
    )  # fmt: skip


class ProvedForm(forms.ModelForm):  # type: ignore[type-arg]
    """Proves the row as the service will, so that what is wrong is told beside its field."""

    def _post_clean(self) -> None:
        """Our words go before those of the database's constraints, which are for programmers."""
        super()._post_clean()  # type: ignore[misc]
        errors: Any = self.errors
        broken = errors.pop(NON_FIELD_ERRORS, None)
        if not errors:
            rows: Any = type(self.instance)._default_manager
            try:
                data.prove(self.instance, rows.filter(pk=self.instance.pk).first() if self.instance.pk else None)
            except WrongFields as wrong:
                tell(self, wrong)
        if broken and not errors:
            errors[NON_FIELD_ERRORS] = broken


def tell(form: forms.BaseForm, wrong: WrongFields) -> None:
    """Each error beside its field; above the form where there is no such field."""
    for error in wrong.errors:
        form.add_error(error.field if error.field in form.fields else None, error.message)


class Named:
    """A row by another name, for the breadcrumb."""

    def __init__(self, row: Any, name: str) -> None:
        self._meta, self.pk, self.name = row._meta, row.pk, name

    def __str__(self) -> str:
        return self.name


class Listing(ChangeList):  # type: ignore[misc]
    """Lets the page give its rows what its columns tell, in a query or two for all of them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.has_active_filters and not self.query:
            self.full_result_count = self.result_count  # uncounted, the header would offer to show all of all
        rows: list[Any] = list(self.result_list)
        self.model_admin.attach(request, rows)
        self.result_list = rows


class BillingAdmin(ModelAdmin):  # type: ignore[misc]
    """Django's model permissions play no part: `may_bill` decides. All is written by billing.services.master."""

    form = ProvedForm
    formfield_overrides = DAYS
    list_fullwidth = True
    compressed_fields = True
    warn_unsaved_form = True
    list_filter_submit = True
    list_per_page = 50
    show_facets = ShowFacets.NEVER
    show_full_result_count = False
    actions = None
    empty_hint = ""
    empty_link: tuple[str, str] | None = None

    class Media:
        css: ClassVar = {"all": ["billing/billing.css"]}

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_see(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see(request)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """What the form could not see (somebody else was quicker) is told on the page, and nothing is stored."""
        try:
            return super().changeform_view(
                request, object_id, form_url, {"show_history": True, **(extra_context or {})}
            )
        except WrongFields as wrong:
            for error in wrong.errors:
                messages.error(request, error.message)
            return HttpResponseRedirect(request.get_full_path())

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Listing

    def attach(self, request: HttpRequest, rows: list[Any]) -> None:
        """Put onto the page's rows what the columns need beyond the row."""

    def enter(self, request: HttpRequest) -> None:
        """Raises PermissionDenied for whom this page is not."""
        if not self.has_view_permission(request):
            raise PermissionDenied("Billing is for those who run its jobs: managers and admins.")

    def found(self, request: HttpRequest, pk: Any, *related: str) -> Any:
        """The row of a page, for who may see it. Raises PermissionDenied, Http404."""
        self.enter(request)
        try:
            return self.get_queryset(request).select_related(*related).get(pk=pk)
        except (self.model.DoesNotExist, ValidationError, ValueError):
            raise Http404(f"There is no such {self.opts.verbose_name}.") from None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        data.save(obj, actor=actor_of(request))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        rows = formset.save(commit=False)
        for row in formset.deleted_objects:
            data.delete(row, actor=actor_of(request))
        for row in rows:
            data.save(row, actor=actor_of(request))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Asks why, and calls the service; what stands against it is told in words."""
        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404(f"There is no such {self.opts.verbose_name}.")
        if not self.has_delete_permission(request, obj):
            raise PermissionDenied(f"Your roles do not let you delete this {self.opts.verbose_name}.")
        form = WhyForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            label = str(obj)
            try:
                self.delete_with_reason(request, obj, form.cleaned_data["why"])
            except WrongFields as wrong:
                tell(form, wrong)
            else:
                messages.success(request, f"The {self.opts.verbose_name} “{label}” is deleted.")
                return HttpResponseRedirect(self.after_delete(obj))
        return self.page(
            request, "queues/confirm.html", f"Delete “{obj}”", original=obj, question="It is removed for good.", form=form,
            submit="Delete it", danger=True, cancel_url=pieces.page_of(obj),
        )  # fmt: skip

    def delete_with_reason(self, request: HttpRequest, obj: Any, why: str) -> None:
        data.delete(obj, actor=actor_of(request), why=why)

    def after_delete(self, obj: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def name_of(self, row: Any) -> str:
        """What a page's breadcrumb calls the row."""
        return str(row)

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        """A page of our own in the admin's frame."""
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        if context.get("original") is not None:
            context["original"] = Named(context["original"], self.name_of(context["original"]))
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "media": self.media}
        return TemplateResponse(request, template, {**frame, **context})

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The services write the audit log; Django's own would tell the same again."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """See log_addition."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """See log_addition."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """An object's history is its part of the audit log."""
        kind = self.opts.verbose_name_raw.replace(" ", "_")
        return HttpResponseRedirect(
            f"{reverse('admin:queues_auditentry_changelist')}?{urlencode({'type': kind, 'q': object_id})}"
        )


class BillingInline(TabularInline):  # type: ignore[misc]
    """Rows of a row, written by the same services."""

    form = ProvedForm
    formfield_overrides = DAYS
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see(request)

    has_change_permission = has_delete_permission = has_view_permission


class BillingStackedInline(StackedInline):  # type: ignore[misc]
    """As BillingInline, one field below the other."""

    form = ProvedForm
    formfield_overrides = DAYS
    extra = 0

    has_view_permission = BillingInline.has_view_permission
    has_add_permission = BillingInline.has_add_permission
    has_change_permission = has_delete_permission = has_view_permission
