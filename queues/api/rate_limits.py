"""What a request counts for, and what its answer says of the limits: every view of the API is `Limited`.

Requests count before anything is done for them, whatever becomes of them then: 401, 403 and 422 count as well. What is
refused for a limit counts nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request
from rest_framework.views import APIView

from queues import policy, rates
from queues.client_address import address_of, network
from queues.engine import quotas
from queues.errors import RateLimited
from queues.ledger import allowances
from queues.ledger.spending import Balance, Charge
from queues.policy import Action
from queues.rates import Rate

GENERAL, CREATION, ADMINISTRATION, LOGIN, ANONYMOUS = "general", "creation", "administration", "login", "anonymous"
SETTING = {
    GENERAL: "RATE_LIMIT_GENERAL",
    CREATION: "RATE_LIMIT_CREATION",
    ADMINISTRATION: "RATE_LIMIT_ADMINISTRATION",
    LOGIN: "RATE_LIMIT_LOGIN",
    ANONYMOUS: "RATE_LIMIT_LOGIN",
}
WORDS = {
    GENERAL: "requests",
    CREATION: "jobs",
    ADMINISTRATION: "administrative requests",
    LOGIN: "attempts to sign in from one address",
    ANONYMOUS: "requests without a valid token from one address",
}


class Limited(APIView):
    """Counts each request once it is known who asks, and tells in the answer's headers how they stand.

    `limited` False: not counted at all. `login`: counted by the client's address, apart from other strangers. A POST that
    needs ENQUEUE counts as creation too, `cost` jobs of it, unless it `creates` none.
    """

    limited: ClassVar[bool] = True
    login: ClassVar[bool] = False
    creates: ClassVar[bool] = True

    def cost(self, request: Request) -> int:
        """How many jobs a request asks for. It may read the body, and raise what the view would for a wrong one."""
        return 1

    def perform_authentication(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        except AuthenticationFailed:  # who guesses tokens is counted as well
            self._count(request)
            raise

    def check_permissions(self, request: Request) -> None:
        wrong = self._count(request)
        super().check_permissions(request)
        if wrong is not None:
            raise wrong

    def _count(self, request: Request) -> APIException | None:
        """What is wrong with the body, if `cost` found it so. Raises RateLimited, LimitsUnavailable, DatabaseError."""
        if not self.limited:
            return None
        wrong, jobs = None, 0
        if _creates(self, request):
            try:
                jobs = max(1, self.cost(request))
            except APIException as error:
                wrong, jobs = error, 1
        balances = quotas.spend(charges(self, request, jobs))
        if balances:
            self.headers |= told(balances)
            refuse(balances)
        return wrong


def charges(view: Any, request: Request, jobs: int) -> list[Charge]:
    """What a request counts for. A bucket without a limit isn't counted."""
    user = request.user
    if user is None or not user.is_authenticated:
        bucket = LOGIN if view.login else ANONYMOUS
        rate = _by_setting(bucket)
        return [] if rate is None else [Charge(bucket, f"address:{network(address_of(request))}", rate)]
    costs = {GENERAL: 1}
    if jobs:
        costs[CREATION] = jobs
    if _need(view, request) is Action.ADMINISTER or request.path_info.startswith("/api/admin/"):
        costs[ADMINISTRATION] = 1
    key = getattr(request.auth, "prefix", None)
    who = f"user:{user.pk}" if key is None else f"key:{key}"
    names: dict[str, Any] = {"key": key, "user": user.get_username(), "roles": policy.roles_of(user)}
    table = allowances.in_force()
    found = [(bucket, allowances.rate_of(table, bucket, **names) or _by_setting(bucket)) for bucket in costs]
    return [Charge(bucket, who, rate, costs[bucket]) for bucket, rate in found if rate is not None]


def told(balances: Sequence[Balance]) -> dict[str, str]:
    """The headers (draft-ietf-httpapi-ratelimit-headers): the bucket with the least left, or the one that refuses."""
    one = _deciding(balances)
    bucket, rate = one.charge.bucket, one.charge.rate
    return {
        "RateLimit-Policy": f'"{bucket}";q={rate.limit};w={math.ceil(rate.period_s)}',
        "RateLimit": f'"{bucket}";r={one.left};t={math.ceil(one.wait_s)}',
    }


def refuse(balances: Sequence[Balance]) -> None:
    """Raises RateLimited where one of them has no room."""
    one = _deciding(balances)
    if one.fits:
        return
    charge, after_s = one.charge, max(1, math.ceil(one.wait_s))
    asked = f"; this asks for {charge.cost:,}, and {one.left:,} are left" if charge.cost > 1 else ", and none is left"
    if charge.cost > charge.rate.limit:
        again = f"It never fits: send it in parts of {charge.rate.limit:,} at most, the first in {after_s:,} s"
    else:
        again = f"Try again in {after_s:,} s"
    limit = f"{charge.rate.limit:,} {WORDS[charge.bucket]} are allowed in {_span(charge.rate.period_s)}"
    told = f"The limit {charge.bucket!r} is reached: {limit}{asked}. {again}."
    raise RateLimited(told, after_s, charge.bucket)


def _deciding(balances: Sequence[Balance]) -> Balance:
    refusing = [balance for balance in balances if not balance.fits]
    return max(refusing, key=lambda one: one.wait_s) if refusing else min(balances, key=lambda one: one.left)


def _creates(view: Any, request: Request) -> bool:
    return request.method == "POST" and view.creates and _need(view, request) is Action.ENQUEUE and bool(request.user)


def _need(view: Any, request: Request) -> Any:
    needs: Mapping[str, Any] = getattr(view, "needs", {})
    return needs.get("GET" if request.method == "HEAD" else str(request.method))


def _by_setting(bucket: str) -> Rate | None:
    return _parsed(getattr(settings, SETTING[bucket]))


_parsed = cache(rates.parse_limit)


def _span(seconds: float) -> str:
    for size, unit in ((3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            many = int(seconds // size)
            return f"one {unit}" if many == 1 else f"{many} {unit}s"
    return f"{seconds:g} s"
