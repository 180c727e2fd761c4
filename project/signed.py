"""Doors for messages that carry their own proof: a signature instead of a session or a token."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from billing.ports import BadWebhook, NoProvider
from queues import rates
from queues.api import problems
from queues.api.problems import Problem
from queues.api.rate_limits import ANONYMOUS
from queues.api.request_id import request_id_of
from queues.client_address import address_of, network
from queues.engine import quotas
from queues.errors import RoundsmanError
from queues.ledger.spending import Charge
from queues.watch.refusals import refusals

View = Callable[..., HttpResponse]
STATUS: dict[type[RoundsmanError], int] = {BadWebhook: 400, NoProvider: 404}


def signed(view: View) -> View:
    """POST alone, without CSRF's token (no browser sends it), every error as problem details.

    What is proved is not limited, for it comes as often as things happen; what is refused counts by the address it came from, as
    requests without a valid token do, and over that limit is answered 429.
    """

    @csrf_exempt
    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            told = _told(request, Problem(405, "method_not_allowed", "Only POST is taken here."))
            told["Allow"] = "POST"
            return told
        try:
            return view(request, *args, **kwargs)
        except Exception as error:
            if not isinstance(error, RoundsmanError) and not problems.is_away(error):
                raise
            status = STATUS.get(type(error))  # type: ignore[arg-type]
            found = problems.problem_of(error) if status is None else Problem(status, error.code, str(error))  # type: ignore[attr-defined]
            return _told(request, _counted(request, found) if found.status < 500 else found)

    return door


def _counted(request: HttpRequest, problem: Problem) -> Problem:
    """The problem, or that there were too many of them."""
    rate = rates.parse_limit(settings.RATE_LIMIT_LOGIN)
    if rate is None:
        return problem
    balances = quotas.spend([Charge(ANONYMOUS, f"signed:{network(address_of(request))}", rate)])
    waits = [one.wait_s for one in balances if not one.fits]
    if not waits:
        return problem
    after_s = max(1, round(max(waits)))
    words = f"Too many messages from this address were refused. Try again in {after_s} s."
    return Problem(429, "rate_limited", words, headers={"Retry-After": str(after_s)})


def _told(request: HttpRequest, problem: Problem) -> HttpResponse:
    refusals.add(problem.code, "")
    body = problem.body(request_id_of(request))
    return JsonResponse(body, status=problem.status, content_type=problems.MEDIA_TYPE, headers=dict(problem.headers))
