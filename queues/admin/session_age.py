"""A session in the admin ends when nobody uses it for SESSION_IDLE_S, and twelve hours after signing in at the latest.

What a page asks for by itself (htmx polls with GET) is no use: a dashboard left open keeps nobody signed in. The time of
the last use is kept in the session and written at most once a minute, so a session may end that much sooner.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from queues.ledger import clock

SEEN, BEGAN = "roundsman_seen", "roundsman_began"  # in the session, in whole seconds since 1970
WRITTEN_EVERY_S = 60


@receiver(user_logged_in)
def begin(request: Any = None, **told: Any) -> None:
    """Written with the session that signing in makes anyway."""
    if getattr(request, "session", None) is not None:
        request.session[BEGAN] = request.session[SEEN] = int(clock.now().timestamp())


class SessionAgeMiddleware:
    """For requests that bring a session: the API's, with their tokens, have none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            polled = request.method == "GET" and "HX-Request" in request.headers
            if _over(request, int(clock.at_hand().timestamp()), polled):
                logout(request)
                if polled:  # the page that asked is loaded anew, and so led to the login
                    return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return self.get_response(request)


def _over(request: HttpRequest, now_s: int, polled: bool) -> bool:
    """Whether the session has ended; else it notes the use."""
    session = request.session
    began_s, seen_s = session.get(BEGAN), session.get(SEEN)
    if began_s is None or seen_s is None:  # made before there were such sessions
        session[BEGAN] = session[SEEN] = now_s
        return False
    if now_s - seen_s >= settings.SESSION_IDLE_S or now_s - began_s >= settings.SESSION_COOKIE_AGE:
        return True
    if not polled and now_s - seen_s >= min(WRITTEN_EVERY_S, settings.SESSION_IDLE_S // 4):
        session[SEEN] = now_s
    return False
