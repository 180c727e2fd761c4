"""The doors: the admin, the API, health and metrics. RQ's own pages are for admins, inside the admin."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.urls import include, path
from django.views.generic import RedirectView
from django_rq.urls import get_admin_urlpatterns

from queues import policy

View = Callable[..., HttpResponseBase]


def for_admins(view: View) -> View:
    """A page of RQ's, shown to admins alone (by itself it checks `is_staff` only)."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if policy.ADMIN not in policy.roles_of(request.user):
            raise PermissionDenied("RQ's own pages are for admins.")
        return view(request, *args, **kwargs)

    return admin.site.admin_view(guarded)


urlpatterns = [
    path("admin/rq/", include((get_admin_urlpatterns(view_wrapper=for_admins), "django_rq"))),
    path("admin/", admin.site.urls),
    path("", include("queues.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
