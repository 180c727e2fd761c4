"""Who asks through the API, for the audit log and on the runs."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

from queues.api.request_id import request_id_of
from queues.contract import Actor


def actor_of(request: Request | HttpRequest) -> Actor:
    """The signed-in user. The address is the peer's: headers that anybody may write are not believed."""
    user = request.user
    return Actor(
        label=user.get_username(),
        source="api",
        user_id=user.pk,
        address=str(request.META.get("REMOTE_ADDR", "")),
        request_id=request_id_of(request),
    )
