"""Asks of every kind, by one and by many at once, and what the answer says is left."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework_simplejwt.tokens import AccessToken

from queues.api.endpoint import Endpoint
from queues.policy import Action
from tests import crowd
from tests.api.conftest import PASSWORD

AT_ONCE = 64
JOBS, RUN, RULES, TOKEN = "/api/v1/queue/jobs", "/api/v1/queue/billing/jobs", "/api/v1/queue/error-rules", "/api/token/"
NO_RUN = f"{RUN}/01981c2e-5f2a-7c44-9a57-1f0d6f1f9f10"
NUMBERS = itertools.count()


def weigh(client: APIClient, **headers: str) -> Any:
    return client.post(JOBS, {"job": "tests.weigh", "params": {"tons": 3}}, format="json", headers=headers)


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Call it so many times in 64 threads that begin at the same moment."""
    return crowd.at_once(count, call, threads=AT_ONCE)


def remaining(answer: Any) -> tuple[str, int, int]:
    """(bucket, left, seconds) of the header."""
    found = re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', answer["RateLimit"])
    assert found, answer["RateLimit"]
    return found[1], int(found[2]), int(found[3])


class Batch(Endpoint):
    """As many jobs as the body says."""

    needs = {"POST": Action.ENQUEUE}

    def cost(self, request: Request) -> int:
        return int(request.data["jobs"])

    def post(self, request: Request) -> Response:
        return Response({})


def send_batch(who: User | str, jobs: int) -> Any:
    """By a user's token, or with a key."""
    token = who if isinstance(who, str) else AccessToken.for_user(who)
    headers = {"Authorization": f"Bearer {token}"}
    return Batch.as_view()(APIRequestFactory().post("/", {"jobs": jobs}, format="json", headers=headers))


def sign_in(password: str = "wrong", **meta: Any) -> Any:
    """Wrong ones under ever other names: the lock of a single name is another matter."""
    body = {"username": "manager" if password == PASSWORD else f"stranger-{next(NUMBERS)}", "password": password}
    return APIClient().post(TOKEN, body, format="json", **meta)
