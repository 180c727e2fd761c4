"""People and roles: for administrators, audited, and no way up to superuser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from queues.models import AuditEntry


@pytest.mark.parametrize("page", ["user", "group"])
@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 403), ("dispatcher", 403)])
def test_people_and_roles_are_for_administrators(
    as_: Callable[[str], Client], role: str, status: int, page: str
) -> None:
    assert as_(role).get(f"/admin/auth/{page}/").status_code == status


def test_giving_a_role_is_audited_with_before_and_after(
    as_: Callable[[str], Client], user: Callable[[str], User]
) -> None:
    someone, manager = user("driver"), Group.objects.get_or_create(name="manager")[0]
    browser = as_("admin")
    assert browser.get(f"/admin/auth/user/{someone.pk}/change/").status_code == 200
    form = {"username": "driver", "is_active": "on", "is_staff": "on", "groups": [manager.pk], "is_superuser": "on"}
    assert browser.post(f"/admin/auth/user/{someone.pk}/change/", form).status_code == 302
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.object_label) == ("user.change", "admin", "driver")
    assert entry.before == {"is_staff": False, "roles": ["driver"]} and entry.after == {
        "is_staff": True,
        "roles": ["manager"],
    }
    someone.refresh_from_db()
    assert not someone.is_superuser


def test_a_new_person_and_a_new_password_are_audited_without_the_password(as_: Callable[[str], Client]) -> None:
    browser, secret = as_("admin"), "a-long-Enough-password-7"
    answer = browser.post(
        "/admin/auth/user/add/",
        {"username": "zoe", "password1": secret, "password2": secret, "usable_password": "true"},
    )
    zoe = User.objects.get(username="zoe")
    assert answer.status_code == 302 and AuditEntry.objects.get().action == "user.create"
    browser.post(
        f"/admin/auth/user/{zoe.pk}/password/",
        {"password1": secret + "8", "password2": secret + "8", "usable_password": "true"},
    )
    assert AuditEntry.objects.filter(action="user.password", object_label="zoe").count() == 1
    assert not any("assword" in str((e.before, e.after)) for e in AuditEntry.objects.all())


def test_only_a_superuser_changes_a_superuser(as_: Callable[[str], Client], db: None) -> None:
    root = User.objects.create_superuser("root", password="x")
    browser = as_("admin")
    assert browser.post(f"/admin/auth/user/{root.pk}/change/", {"username": "mine"}).status_code == 403
    assert browser.get(f"/admin/auth/user/{root.pk}/password/").status_code == 403


def test_roles_tell_what_they_reach(as_: Callable[[str], Client]) -> None:
    Group.objects.get_or_create(name="dispatcher")
    page = as_("admin").get("/admin/auth/group/").content.decode()
    assert "Route optimisation, Notifications, E-mail" in page and "every queue" in page
