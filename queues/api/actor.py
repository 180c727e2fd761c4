"""Who asks through the API, for the audit log and on the runs."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

from queues.api.request_id import request_id_of
from queues.client_address import address_of
from queues.contract import Actor


def actor_of(request: Request | HttpRequest) -> Actor:
    """The signed-in user, and by which API key. The address is as the trusted proxies tell it, else the peer's."""
    user, key = request.user, getattr(getattr(request, "auth", None), "prefix", None)
    return Actor(
        label=user.get_username() if key is None else f"{user.get_username()} (key {key})",
        source="api",
        user_id=user.pk,
        address=address_of(request),
        request_id=request_id_of(request),
    )
