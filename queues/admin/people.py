"""People and their roles. Roles are the policy's (Django groups of their names): given here, defined in queues.policy."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from queues import catalogue, policy
from queues.admin import access, show
from queues.admin.base import PolicyAdmin, ReadOnlyAdmin
from queues.ledger import audit
from queues.policy import Action

EXTRA = ("see_unmasked_audit",)  # what no role has by itself
TOLD = ("username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser")

admin.site.unregister(User)
admin.site.unregister(Group)


def snapshot(user: User) -> dict[str, Any]:
    """What the audit log tells of a person; never anything of the password."""
    return {name: getattr(user, name) for name in TOLD} | {
        "roles": sorted(user.groups.values_list("name", flat=True)),
        "extra": sorted(user.user_permissions.filter(codename__in=EXTRA).values_list("codename", flat=True)),
    }


@admin.register(User)
class PersonAdmin(UserAdmin, PolicyAdmin):  # type: ignore[misc,type-arg]
    """For administrators. Only a superuser changes a superuser."""

    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "Access",
            {
                "fields": ("is_active", "is_staff", "groups", "user_permissions"),
                "description": "Staff may sign in here; the roles say what they see and may do, the permissions what no "
                "role does by itself.",
            },
        ),
    )
    list_display = ("username", "full_name", "roles", "is_staff", "is_active", "seen")
    list_filter = ("is_staff", "is_active", "groups")
    list_per_page = 50
    ordering = ("username",)
    actions = None
    empty_hint = "Make the first one with: python manage.py createsuperuser"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may_administer(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return access.may_administer(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        guarded = isinstance(obj, User) and obj.is_superuser
        return access.may_administer(request.user) and (
            not guarded or bool(getattr(request.user, "is_superuser", False))
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the audit log names them: switch them off instead

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user_permissions":
            kwargs["queryset"] = Permission.objects.filter(content_type__app_label="queues", codename__in=EXTRA)
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "user_permissions":
            field.label_from_instance = lambda permission: permission.name
        return field

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        form.before = snapshot(User.objects.get(pk=obj.pk)) if change else None
        form.unshown = list(obj.user_permissions.exclude(codename__in=EXTRA)) if change else []
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.user_permissions.add(*form.unshown)
        after = snapshot(User.objects.get(pk=form.instance.pk))
        was, now = (None, after) if form.before is None else audit.changes(form.before, after)
        if now:
            self._tell(request, form.instance, "user.change" if change else "user.create", was, now)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().user_change_password(request, id, form_url)
            if request.method == "POST" and response.status_code == 302:
                self._tell(request, User.objects.get(pk=id), "user.password", None, None)
        return response

    def _tell(self, request: HttpRequest, user: User, action: str, before: Any, after: Any) -> None:
        audit.write(
            access.actor_of(request), action, object_type="user", object_id=str(user.pk),
            object_label=user.get_username(), before=before, after=after,
        )  # fmt: skip

    @display(description="Name")
    def full_name(self, obj: User) -> str | SafeString:
        return obj.get_full_name() or show.NONE

    @display(description="Roles")
    def roles(self, obj: User) -> str | SafeString:
        names = [group.name for group in obj.groups.all()] + (["superuser"] if obj.is_superuser else [])
        return ", ".join(names) or show.faint("none")

    @display(description="Last signed in")
    def seen(self, obj: User) -> SafeString:
        return show.when(obj.last_login)


_own_password_change = admin.site.password_change


def own_password_change(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """Django's page for one's own password, audited as anybody else's is."""
    with transaction.atomic():
        response: HttpResponse = _own_password_change(request, extra_context)
        if request.method == "POST" and response.status_code == 302:
            user: Any = request.user
            audit.write(
                access.actor_of(request), "user.password", object_type="user", object_id=str(user.pk),
                object_label=user.get_username(),
            )  # fmt: skip
    return response


admin.site.password_change = own_password_change  # type: ignore[method-assign,assignment]


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin):
    """What each role reaches, read from the policy itself."""

    list_display = ("name", "members", "sees", "operates")
    list_display_links = None
    sortable_by = ()
    fields = ("name", "sees", "operates")
    readonly_fields = fields

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may_administer(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(people=Count("user"))
        return rows

    @display(description="People")
    def members(self, obj: Any) -> int:
        return int(obj.people)

    @display(description="Sees")
    def sees(self, obj: Group) -> SafeString:
        return _reach(obj.name, Action.READ)

    @display(description="Runs, cancels, defines and schedules")
    def operates(self, obj: Group) -> SafeString:
        return _reach(obj.name, Action.ENQUEUE)


def _reach(role: str, action: Action) -> SafeString:
    names = [name for name in catalogue.NAMES if policy.allows({role}, action, name)]
    if len(names) == len(catalogue.NAMES):
        return format_html("<span>{}</span>", "every queue")
    titles = ", ".join(show.queue_title(name) for name in names)
    return format_html('<span class="rm-wrap">{}</span>', titles) if titles else show.faint("nothing")
