"""Failed sign-ins, counted by django-axes in the database, for the API and the admin alike: it works with Redis away.

Five failures of a name from one address close that pair for fifteen minutes, fifty from an address close the address.
A name counts as it was typed, whether there is such an account or not, and while it is closed the right password is
refused like a wrong one: so the answer tells nothing of the account. What was refused for this does not count again.
"""

from __future__ import annotations

import ipaddress
import math
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_credentials
from django.conf import settings
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest, HttpResponse

from queues.client_address import address_of, network
from queues.errors import RateLimited
from queues.ledger import second_factor

PER_PAIR: int = settings.AXES_FAILURE_LIMIT
PER_ADDRESS = 10 * PER_PAIR
CLOSED_FOR: timedelta = settings.AXES_COOLOFF_TIME


class TooManyLogins(RateLimited):
    """Too many sign-ins of this name from this address, or from this address, failed lately."""

    code = "too_many_logins"

    def __init__(self, after_s: int) -> None:
        minutes = math.ceil(after_s / 60)
        super().__init__(f"Too many attempts to sign in failed. Try again in {minutes} min.", after_s)


class Handler(AxesDatabaseHandler):  # type: ignore[misc]
    """The library's, with two limits: what an address failed counts a tenth of what a name failed from there."""

    def get_failures(self, request: Any, credentials: Any = None) -> int:
        pair, address = (_failed(rows) for rows in self.get_user_attempts(request, credentials))
        return max(pair, address * PER_PAIR // PER_ADDRESS)

    def reset_user_attempts(self, request: Any, credentials: Any = None) -> int:
        """Who signs in clears what was counted of the name, never of the address: else an account of one's own would do."""
        pair, _ = self.filter_user_attempts(request, credentials)
        return int(pair.delete()[0])

    def opens_at(self, request: Any, credentials: Any) -> datetime | None:
        """When the last failure that counts is forgotten."""
        pair, address = self.get_user_attempts(request, credentials)
        rows = pair if _failed(pair) >= PER_PAIR else address
        last: datetime | None = rows.aggregate(last=Max("attempt_time"))["last"]
        return None if last is None else last + CLOSED_FOR


def _failed(rows: QuerySet[Any]) -> int:
    return int(rows.aggregate(all=Sum("failures_since_start"))["all"] or 0)


def address(request: Any) -> str | None:
    """For AXES_CLIENT_IP_CALLABLE: whom a failure counts for. Of IPv6 the /64, for whoever has one address has them all."""
    found = network(address_of(request)).partition("/")[0]
    try:
        return str(ipaddress.ip_address(found))
    except ValueError:
        return None


def retry_after_s(request: Any, credentials: Any) -> int:
    """Whole seconds until a closed sign-in opens."""
    opens_at: datetime | None = AxesProxyHandler.get_implementation().opens_at(request, credentials)
    left: timedelta = CLOSED_FOR if opens_at is None else opens_at - request.axes_attempt_time
    return max(1, math.ceil(left.total_seconds()))


def refuse_if_closed(request: Any, username: str) -> None:
    """After a sign-in has failed. Raises TooManyLogins."""
    if getattr(request, "axes_locked_out", False):
        raise TooManyLogins(retry_after_s(request, get_credentials(username)))


def succeeded(request: Any, user: Any) -> None:
    """A sign-in through the API, which makes no session, and so sends no signal of it."""
    AxesProxyHandler.user_logged_in(type(user), request=request, user=user)


def failed(request: Any, username: str) -> None:
    """The password was right, the code was not: that counts alike."""
    second_factor.tell_failure(request, username)


def closed_page(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """For AXES_LOCKOUT_CALLABLE: the admin's login page as it is after a wrong password, by its status alone another."""
    answer = response if isinstance(response, HttpResponse) else HttpResponse("Too many attempts to sign in failed.")
    answer.status_code = 429
    answer.headers["Retry-After"] = str(retry_after_s(request, getattr(request, "axes_credentials", None) or {}))
    return answer
