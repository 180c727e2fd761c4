"""A database that is away is told to people in words, with when to come back."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin

from queues.api.problems import is_away

log = logging.getLogger("roundsman.web")
RETRY_AFTER_S = 5


class AwayMiddleware(MiddlewareMixin):
    """Answers 503 instead of 500; the API's own handler does the same with problem details before this is asked."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not is_away(exception):
            return None
        log.error("The database does not answer: %s", " ".join(str(exception).split()))
        page = HttpResponse(render_to_string("503.html"), status=503)
        page["Retry-After"] = str(RETRY_AFTER_S)
        return page
