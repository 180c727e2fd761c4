"""The door for what providers tell us. Nothing is read of a body before its size is known, and nothing kept of it before its signature is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse

from billing.services import provider_events
from queues.errors import TooLarge

MAX_BODY = 256 * 1024


def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """200 for an event that was kept, now or before. Raises NoProvider, TooLarge, BadWebhook: see project.signed for what is answered."""
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > MAX_BODY:
        raise TooLarge(f"An event takes {MAX_BODY:,} bytes at most.")
    body = request.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise TooLarge(f"An event takes {MAX_BODY:,} bytes at most.")
    kept = provider_events.accept(provider, request.headers, body)
    return JsonResponse({"event": kept.event_id, "new": kept.is_new})
