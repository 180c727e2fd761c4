"""`Prefer: wait=5` (RFC 7240): a request for a run is answered with its result, if it ends in time.

The thread that accepted the run is done at once. Its answer, 202, carries `later`: the server (see project.one_hop)
awaits that on the event loop before it sends anything, and it turns the answer into 200 where the run has ended.
"""

from __future__ import annotations

import logging
import re
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import reads, shapes
from queues.api.answers import RunAnswer
from queues.api.polling import ask
from queues.api.waits import wait_here, waits
from queues.ledger import states
from queues.models import Run

log = logging.getLogger("roundsman.web")
MOST_S = 30
APPLIED = "Preference-Applied"
_WAIT = re.compile(r"wait\s*=\s*\"?(\d{1,9})\"?\s*(?:;.*)?", re.ASCII | re.IGNORECASE)

HEADERS = [
    OpenApiParameter(
        "Prefer",
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        description=(
            f"`wait=5`: wait so many seconds, {MOST_S} at most, for the run to end. Ended in time: 200 with its result "
            "or error. Else 202, as without the header."
        ),
    ),
    OpenApiParameter(
        APPLIED, OpenApiTypes.STR, OpenApiParameter.HEADER, description="How long was waited at most.", response=[200]
    ),
]


def answer(request: Request, run: dict[str, Any], headers: dict[str, str]) -> Response:
    """202 with the run, as RunAnswer tells it; or, as the client prefers, 200 with its end."""
    response = Response(run, status=202, headers={"Location": run["url"], **headers})
    preferred = request.META.get("HTTP_PREFER")
    if preferred is not None and (wait_s := seconds(preferred)):
        _wait(request, response, run, wait_s)
    return response


def seconds(preferred: str) -> int:
    """How long to wait by a Prefer header; 0: not at all. What is not understood is passed over, as the RFC says."""
    for part in preferred.split(","):
        if found := _WAIT.fullmatch(part.strip()):
            return min(MOST_S, int(found[1]))
    return 0


def _wait(request: Request, response: Response, run: dict[str, Any], wait_s: int) -> None:
    run_id = UUID(str(run["id"]))
    if run["state"] not in states.LIVE:
        _end(response, run, wait_s)
    elif getattr(request._request, "waits_later", False):

        async def later(sent: HttpResponse) -> None:
            if await waits().end_of(run_id, wait_s) and (ended := await ask(lambda: _read(run))) is not None:
                _end(sent, ended, wait_s)

        response.later = later  # type: ignore[attr-defined]
    elif wait_here(run_id, wait_s) and (ended := _read(run)) is not None:
        _end(response, ended, wait_s)


def _read(asked: dict[str, Any]) -> dict[str, Any] | None:
    """None: deleted meanwhile, or put back, or the database is away. The run is accepted all the same."""
    try:
        found = Run.objects.select_related("definition", "schedule").filter(pk=asked["id"]).first()
    except (DatabaseError, InterfaceError) as error:
        log.error("Waiting for runs: %s", " ".join(str(error).split()))
        return None
    if found is None or found.state in states.LIVE:
        return None
    return {**shapes.told(RunAnswer, reads.told(found)), "cached": asked["cached"]}


def _end(response: HttpResponse, told: dict[str, Any], wait_s: int) -> None:
    """The accepted run's answer becomes its result's, whether it is rendered already or not."""
    response.status_code = 200
    response.headers[APPLIED] = f"wait={wait_s}"
    if isinstance(response, Response) and not response.is_rendered:
        response.data = told
        return
    response.content = JSONRenderer().render(told)
    if "Content-Length" in response.headers:
        response.headers["Content-Length"] = str(len(response.content))
