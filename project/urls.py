"""The doors: the admin, the API, health and metrics. RQ's own pages are for admins, inside the admin."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.templatetags.static import static
from django.urls import URLPattern, include, path
from django.views.generic import RedirectView
from django_rq.urls import get_admin_urlpatterns, get_api_urlpatterns

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


RQ_PAGES = [
    *get_admin_urlpatterns(view_wrapper=for_admins),
    *(URLPattern(p.pattern, for_admins(p.callback), p.default_args, p.name) for p in get_api_urlpatterns()),
]


def favicon(request: HttpRequest) -> HttpResponseBase:
    """Pages that are not ours to style ask for this name."""
    return HttpResponsePermanentRedirect(static("queues/favicon.svg"))


urlpatterns = [
    path("favicon.ico", favicon),
    path("admin/rq/", include((RQ_PAGES, "django_rq"))),
    path("admin/", admin.site.urls),
    path("", include("queues.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
