"""The limits of the API: exact with 64 clients at once, what counts as what, and what the headers tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIRequestFactory
from rest_framework_simplejwt.tokens import AccessToken

from queues.api.rate_limits import Limited
from queues.engine import quotas
from queues.models import Run
from queues.rates import Rate

from .asking import AT_ONCE, NO_RUN, RULES, RUN, Batch, at_once, remaining, send_batch, weigh
from .conftest import Hands

pytestmark = pytest.mark.django_db


# --- exact, with all at once ---


@pytest.mark.django_db(transaction=True)
def test_of_200_requests_at_once_100_pass(counting: Any, people: Any, as_: Any) -> None:
    clients = [as_("manager") for _ in range(AT_ONCE)]
    answers = at_once(200, lambda n: clients[n % AT_ONCE].get(NO_RUN).status_code)
    assert Counter(answers) == {404: 100, 429: 100}


@pytest.mark.django_db(transaction=True)
def test_of_64_jobs_asked_for_at_once_20_are_made(counting: Any, jobs: Any, rung: Any, as_: Any) -> None:
    clients = [as_("manager") for _ in range(AT_ONCE)]
    answers = at_once(AT_ONCE, lambda n: weigh(clients[n]).status_code)
    assert Counter(answers) == {202: 20, 429: AT_ONCE - 20}
    assert Run.objects.count() == 20


@pytest.mark.django_db(transaction=True)
def test_of_96_administrative_requests_at_once_50_pass(counting: Any, people: Any, as_: Any) -> None:
    clients = [as_("admin") for _ in range(AT_ONCE)]
    answers = at_once(96, lambda n: clients[n % AT_ONCE].get(RULES).status_code)
    assert Counter(answers) == {200: 50, 429: 46}
    assert clients[0].get("/api/admin/migration-status").status_code == 429
    assert clients[0].get(NO_RUN).status_code == 404  # of all requests there are 50 left


def test_batches_at_once_never_share_what_is_left(counting: redis.Redis) -> None:
    rate = quotas.Charge("creation", "user:1", Rate(20, 60.0), cost=3)
    fitted = [balances[0].fits for balances in at_once(AT_ONCE, lambda n: quotas.spend([rate]))]
    assert fitted.count(True) == 6
    [last] = quotas.spend([quotas.Charge("creation", "user:1", Rate(20, 60.0), cost=2)])
    assert (last.fits, last.left) == (True, 0)


# --- what counts as what ---


def test_a_batch_counts_its_jobs_and_one_that_does_not_fit_counts_nowhere(hands: Hands, people: Any) -> None:
    user = people["manager"]
    assert send_batch(user, 10).status_code == 200
    hands.pass_s(20)
    refused = send_batch(user, 15)
    assert (refused.status_code, remaining(refused), refused["Retry-After"]) == (429, ("creation", 10, 40), "40")
    assert b"this asks for 15, and 10 are left" in refused.content
    answer = send_batch(user, 10)
    assert (answer.status_code, remaining(answer)[:2]) == (200, ("creation", 0))
    hands.pass_s(41)
    assert send_batch(user, 10).status_code == 200
    general = counted("general", user)
    assert general == 3  # and not 4: who is refused for one bucket spends nothing of another


def counted(bucket: str, user: User) -> int:
    """What a user has spent of a bucket."""
    found = [quotas.Charge(bucket, f"user:{user.pk}", Rate(1000, period), 1) for period in (60.0, 900.0)]
    return sum(1000 - 1 - quotas.spend([each])[0].left for each in found)


def test_a_batch_over_the_whole_limit_is_told_to_come_in_parts(counting: Any, people: Any) -> None:
    refused = send_batch(people["manager"], 21)
    assert (refused.status_code, refused["Retry-After"]) == (429, "1")
    assert b"It never fits: send it in parts of 20 at most" in refused.content


def test_a_batch_that_cannot_be_read_counts_as_one(counting: Any, people: Any) -> None:
    headers = {"Authorization": f"Bearer {AccessToken.for_user(people['manager'])}"}
    request = APIRequestFactory().generic("POST", "/", b"{", "application/json", headers=headers)
    answer = Batch.as_view()(request)
    assert (answer.status_code, remaining(answer)[:2]) == (400, ("creation", 19))


def test_refused_requests_count_and_cancelling_creates_nothing(counting: Any, a_run: Any, as_: Any) -> None:
    assert remaining(as_("driver").get(RULES))[:2] == ("administration", 49)  # 403: it was asked all the same
    run = a_run("billing")
    assert remaining(as_("manager").post(f"{RUN}/{run.id}/cancel", {}, format="json"))[:2] == ("general", 99)


# --- what the answer tells ---


def test_every_answer_tells_the_bucket_with_the_least_left(hands: Hands, jobs: Any, rung: Any, as_: Any) -> None:
    client = as_("manager")
    answer = weigh(client)
    assert answer["RateLimit-Policy"] == '"creation";q=20;w=60' and remaining(answer)[:2] == ("creation", 19)
    hands.pass_s(88)
    answer = client.get(NO_RUN)
    assert answer["RateLimit-Policy"] == '"general";q=100;w=900' and remaining(answer) == ("general", 98, 812)
    assert as_("admin").get("/api/schema/")["RateLimit"].startswith('"general";r=99')


def test_too_many_is_a_problem_that_says_which_limit_and_when_to_come_again(
    hands: Hands, jobs: Any, rung: Any, as_: Any
) -> None:
    client = as_("manager")
    assert {weigh(client).status_code for _ in range(20)} == {202}
    hands.pass_s(17)
    refused = weigh(client, **{"X-Request-ID": "seven"})
    told = refused.json()
    assert (refused.status_code, refused["Content-Type"], refused["Retry-After"]) == (
        429,
        "application/problem+json",
        "43",
    )
    assert (told["code"], told["status"], told["instance"]) == ("rate_limited", 429, "seven")
    assert told["detail"] == (
        "The limit 'creation' is reached: 20 jobs are allowed in one minute, and none is left. Try again in 43 s."
    )
    assert remaining(refused) == ("creation", 0, 43)
    hands.pass_s(43)
    assert weigh(client).status_code == 202


def test_the_window_moves_so_that_no_stretch_of_it_holds_more(hands: Hands, people: Any, as_: Any) -> None:
    """30 at the end of one quarter of an hour and 100 at the beginning of the next are too many."""
    client = as_("manager")
    assert {client.get(NO_RUN).status_code for _ in range(70)} == {404}
    hands.pass_s(890)
    assert {client.get(NO_RUN).status_code for _ in range(30)} == {404}
    assert client.get(NO_RUN).status_code == 429
    hands.pass_s(11)
    passed = Counter(client.get(NO_RUN).status_code for _ in range(100))
    assert passed == {404: 70, 429: 30}


def test_what_is_counted_is_forgotten_by_redis(hands: Hands, counting: redis.Redis, people: Any, as_: Any) -> None:
    as_("manager").get(NO_RUN)
    [key] = counting.keys("limit:*")
    assert 900_000 < counting.pttl(key) < 903_000 and counting.llen(key) == 1


def test_a_server_that_forgot_its_scripts_is_told_again(counting: redis.Redis, people: Any, as_: Any) -> None:
    counting.script_flush()
    assert remaining(as_("manager").get(NO_RUN))[:2] == ("general", 99)
    assert remaining(as_("manager").get(NO_RUN))[:2] == ("general", 98)


def test_a_high_limit_keeps_a_short_list(hands: Hands, counting: redis.Redis) -> None:
    charge = quotas.Charge("general", "user:1", Rate(1_000_000, 60.0))
    for _ in range(500):
        quotas.spend([charge])
        hands.pass_s(0.001)
    assert counting.llen("limit:general:60:user:1") <= 10
    assert quotas.spend([charge])[0].left == 1_000_000 - 501


def test_one_request_is_one_command(counting: redis.Redis, jobs: Any, rung: Any, as_: Any) -> None:
    client = as_("admin")
    weigh(client)

    def calls() -> int:
        return sum(int(told["calls"]) for name, told in counting.info("commandstats").items() if "eval" in name)

    before = calls()
    weigh(client)
    assert calls() - before == 1


def test_a_limit_of_none_is_not_counted(counting: redis.Redis, people: Any, as_: Any, settings: Any) -> None:
    settings.RATE_LIMIT_GENERAL = "none"
    assert "RateLimit" not in as_("manager").get(NO_RUN)
    assert not counting.keys("limit:*")


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for each in patterns:
        where = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, where)
        else:
            yield where.lstrip("^"), each.callback


def test_every_view_of_the_api_is_limited() -> None:
    views = {where: view.cls for where, view in routes(get_resolver().url_patterns) if where.startswith("api")}
    assert len(views) > 20
    assert [where for where, view in views.items() if not (issubclass(view, Limited) and view.limited)] == []
    assert {where for where, view in views.items() if view.login} == {
        where for where in views if where.startswith("api/token/")
    }


def test_probes_are_not_limited(counting: redis.Redis, client: Any) -> None:
    assert "RateLimit" not in client.get("/healthz") and not counting.keys("limit:*")
