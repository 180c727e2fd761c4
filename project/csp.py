"""Which content security policy an answer gets: the admin's, a page's, or none of anything. See project.settings.csp."""

from __future__ import annotations

from typing import Any

from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from project.settings.csp import ADMIN_ADDS, SHUT


class PolicyMiddleware(CSPMiddleware):
    """Above all that may answer, static files too. Gives `request.csp_nonce`, new for each answer."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        told: Any = response
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            told._csp_config = SHUT
        elif request.path.startswith(reverse("admin:index")):
            told._csp_update = ADMIN_ADDS
        answer: HttpResponseBase = super().process_response(request, response)
        return answer
