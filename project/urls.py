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

from integrations import webhook_in
from project.signed import signed
from queues import policy
from queues.admin.sign_in import SignInForm

View = Callable[..., HttpResponseBase]
OUR_PAGES = ("auth", "queues", "routing", "billing")  # the apps whose models are shown in the admin


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


def without_libraries_pages() -> None:
    """Take out of the admin what libraries have registered there: it asks Django's model permissions, or nothing but
    `is_staff`, where ours ask the policy; and the token library's shows people's refresh tokens."""
    for model in list(admin.site._registry):
        if model._meta.app_label not in OUR_PAGES:
            admin.site.unregister(model)


admin.autodiscover()
without_libraries_pages()
# Not in UNFOLD["LOGIN"]: that is read before Unfold's site is there, and our pages would be on a site that goes.
admin.site.login_form = SignInForm


def favicon(request: HttpRequest) -> HttpResponseBase:
    """Pages that are not ours to style ask for this name."""
    return HttpResponsePermanentRedirect(static("queues/favicon.svg"))


urlpatterns = [
    path("favicon.ico", favicon),
    path("admin/rq/", include((RQ_PAGES, "django_rq"))),
    path("admin/second-factor/", include("queues.admin.second_factor")),
    path("admin/", admin.site.urls),
    path("webhooks/stripe/", signed(webhook_in.receive), {"provider": "stripe"}, name="webhook-stripe"),
    path("", include("queues.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
