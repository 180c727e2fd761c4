"""Times in the viewer's zone: the page's script puts the browser's zone into a cookie, this puts it into force."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

COOKIE = "roundsman_zone"
_known = frozenset(available_timezones())


class ViewerZoneMiddleware:
    """For the admin's pages only: the API and the jobs speak UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = request.COOKIES.get(COOKIE, "").replace("%2F", "/")
        if name not in _known or not request.path.startswith(reverse("admin:index")):
            return self.get_response(request)
        with timezone.override(ZoneInfo(name)):
            return self.get_response(request)  # templates are rendered inside
