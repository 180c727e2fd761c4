"""The limits of the API: exact with 64 clients at once, by whom, told in headers, and what holds while Redis is away."""

from __future__ import annotations

import itertools
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import connection as database
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework_simplejwt.tokens import AccessToken

from project.env import BY_NAME
from project.redis_url import PURPOSES, options
from queues import policy
from queues.api.endpoint import Endpoint
from queues.api.rate_limits import Limited
from queues.contract import Actor
from queues.engine import connections, quotas
from queues.engine.redis_pool import NoneFree
from queues.ledger import allowances, api_keys, clock
from queues.models import Allowance, AuditEntry, Run, Spending
from queues.policy import Action
from queues.rates import Rate

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db
AT_ONCE = 64
JOBS, RUN, RULES, TOKEN = "/api/v1/queue/jobs", "/api/v1/queue/billing/jobs", "/api/v1/queue/error-rules", "/api/token/"
NO_RUN = f"{RUN}/01981c2e-5f2a-7c44-9a57-1f0d6f1f9f10"
LIMITS = ("GENERAL", "CREATION", "ADMINISTRATION", "LOGIN")
ACTOR = Actor.system("tests")
NUMBERS = itertools.count()


class Hands:
    """A clock for Redis, moved by hand."""

    def __init__(self) -> None:
        self.ms = 1_764_000_000_000

    def __call__(self) -> int:
        return self.ms

    def pass_s(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@pytest.fixture(autouse=True)
def shipped(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The limits as they are shipped, and nothing known of earlier tests."""
    for name in LIMITS:
        setattr(settings, f"RATE_LIMIT_{name}", BY_NAME[f"RATE_LIMIT_{name}"].default)
    monkeypatch.setattr(quotas, "_away", False)
    connections.close()
    allowances.forget()
    yield
    allowances.forget()


@pytest.fixture
def counting(valkey_url: str, settings: Any) -> Iterator[redis.Redis]:
    connections.close()
    settings.REDIS = dict.fromkeys(PURPOSES, options(valkey_url))
    with redis.Redis.from_url(valkey_url) as client:
        client.flushdb()
        yield client
    connections.close()


@pytest.fixture
def hands(counting: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Hands:
    made = Hands()
    monkeypatch.setattr(quotas, "clock_ms", made)
    return made


def weigh(client: APIClient, **headers: str) -> Any:
    return client.post(JOBS, {"job": "tests.weigh", "params": {"tons": 3}}, format="json", headers=headers)


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Call it so many times in 64 threads that begin at the same moment."""
    gate = threading.Barrier(AT_ONCE)

    def begin(number: int) -> list[Any]:
        gate.wait(30)
        try:
            return [call(each) for each in range(number, count, AT_ONCE)]
        finally:
            database.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [answer for answers in pool.map(begin, range(AT_ONCE)) for answer in answers]


def remaining(answer: Any) -> tuple[str, int, int]:
    """(bucket, left, seconds) of the header."""
    found = re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', answer["RateLimit"])
    assert found, answer["RateLimit"]
    return found[1], int(found[2]), int(found[3])


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


# --- for whom ---


def new_key(owner: User) -> tuple[str, Callable[[int], Any]]:
    """Its prefix, and what sends a batch with it."""
    key, whole = api_keys.make("Scales", owner, actions=["enqueue"], queues=["billing"], actor=ACTOR)
    return key.prefix, lambda jobs: send_batch(whole, jobs)


def allow(kind: str, name: str, count: int, per_s: int = 60, bucket: str = "creation") -> Allowance:
    return allowances.save_allowance(
        Allowance(kind=kind, name=name, bucket=bucket, count=count, per_s=per_s), actor=ACTOR
    )


def test_two_users_and_a_users_key_have_buckets_of_their_own(counting: Any, people: Any) -> None:
    one, other = people["manager"], people["dispatcher"]
    (_, key), (_, second) = new_key(one), new_key(one)
    assert [remaining(answer)[1] for answer in (send_batch(one, 5), send_batch(other, 6), key(7), second(8), key(1))] == [
        15, 14, 13, 12, 12,
    ]  # fmt: skip


def test_a_key_goes_before_its_user_a_user_before_the_roles_and_these_before_the_settings(
    counting: Any, people: Any
) -> None:
    user = people["manager"]
    prefix, key = new_key(user)

    def left() -> tuple[int, int]:
        return remaining(send_batch(user, 1))[1], remaining(key(1))[1]

    assert left() == (19, 19)
    allow("role", "manager", 40)
    allow("role", "driver", 90)  # not one of the user's
    assert left() == (38, 38)
    user.groups.add(Group.objects.get(name="dispatcher"))
    allow("role", "dispatcher", 60)
    assert left() == (57, 57)  # the most generous one
    mine = allow("user", "manager", 10)
    assert left() == (6, 6)
    allow("key", f"rm_{prefix}_and-its-secret", 30)
    assert left() == (5, 25)
    allowances.delete_allowance(mine, actor=ACTOR)
    assert left() == (54, 24)


def test_of_two_roles_the_quicker_one_counts_whatever_the_period() -> None:
    rates = [Rate(100, 60.0), Rate(120, 900.0), Rate(1500, 900.0)]
    table = {("role", role, "general"): rate for role, rate in zip(policy.ROLES, rates, strict=False)}
    names = {"key": None, "user": "ada"}
    assert allowances.rate_of(table, "general", roles=policy.ROLES[:2], **names) == rates[0]
    assert allowances.rate_of(table, "general", roles=policy.ROLES, **names) == rates[2]  # as quick, and more at once
    assert allowances.rate_of(table, "creation", roles=policy.ROLES, **names) is None


def test_another_process_goes_by_a_change_when_its_reading_is_old(
    counting: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = people["manager"]
    send_batch(user, 1)
    Allowance.objects.create(kind="user", name="manager", bucket="creation", count=5, per_s=60)  # as another process
    assert remaining(send_batch(user, 1))[1] == 18
    monkeypatch.setattr(allowances, "FRESH_S", 0.0)
    assert remaining(send_batch(user, 1))[1] == 2


def test_allowances_are_read_once_for_many_requests(
    counting: Any, people: Any, django_assert_max_num_queries: Any
) -> None:
    send_batch(people["manager"], 1)
    with django_assert_max_num_queries(1):  # who it is; on PostgreSQL Django does not see it
        send_batch(people["manager"], 1)


def test_what_is_written_is_proven_and_audited(people: Any) -> None:
    made = allow("user", " manager ", 10)
    made.count = 12
    allowances.save_allowance(made, actor=ACTOR, why="Month's end")
    allowances.save_allowance(made, actor=ACTOR)  # nothing changed
    allowances.delete_allowance(made, actor=ACTOR)
    entries = AuditEntry.objects.order_by("id").values_list("action", "object_label", "before", "after", "why")
    label = "User manager: jobs asked for"
    assert list(entries)[1] == ("allowance.change", label, {"count": 10}, {"count": 12}, "Month's end")
    assert [entry[0] for entry in entries] == ["allowance.create", "allowance.change", "allowance.delete"]


@pytest.mark.parametrize(
    ("kind", "name", "count", "field", "told"),
    [
        ("role", "boss", 10, "name", "the roles are: admin"),
        ("user", "manger", 10, "name", "Did you mean 'manager'"),
        ("key", "ab12", 10, "name", "no API key with the prefix 'ab12'"),
        ("user", "Manager", 10, "name", "Did you mean 'manager'"),
        ("role", "manager", 0, "count", "greater than or equal to 1"),
    ],
)
def test_an_allowance_that_would_not_work_is_refused_by_field(
    people: Any, kind: str, name: str, count: int, field: str, told: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        allow(kind, name, count)
    assert told in str(refused.value.message_dict[field])
    assert not Allowance.objects.exists()


def test_there_is_one_allowance_for_each(people: Any) -> None:
    allow("role", "manager", 10)
    with pytest.raises(ValidationError):
        allow("role", "manager", 11)


# --- strangers ---


def sign_in(password: str = "wrong", **meta: Any) -> Any:
    """Wrong ones under ever other names: the lock of a single name is another matter."""
    body = {"username": "manager" if password == PASSWORD else f"stranger-{next(NUMBERS)}", "password": password}
    return APIClient().post(TOKEN, body, format="json", **meta)


def test_sign_ins_are_limited_by_address_and_headers_reset_nothing(counting: Any, people: Any) -> None:
    codes = [
        sign_in(headers={"X-Forwarded-For": f"192.0.2.{n}", "X-Real-IP": f"192.0.2.{n}", "Forwarded": f"for=192.0.2.{n}"})
        .status_code
        for n in range(21)
    ]  # fmt: skip
    assert codes == [401] * 20 + [429]
    refused = sign_in(PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited") and int(refused["Retry-After"]) <= 61
    assert "20 attempts to sign in from one address are allowed in one minute" in refused.json()["detail"]
    assert APIClient().post(f"{TOKEN}refresh/", {"refresh": "x"}, format="json").status_code == 429
    assert sign_in(PASSWORD, REMOTE_ADDR="192.0.2.77").status_code == 200


def test_behind_a_trusted_proxy_two_clients_are_two(counting: Any, people: Any, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1

    def ask(client: str, wrote: str = "") -> int:
        listed = ", ".join(part for part in (wrote, client) if part)
        return sign_in(REMOTE_ADDR="10.0.0.5", headers={"X-Forwarded-For": listed}).status_code

    assert [ask("192.0.2.1", f"198.51.100.{n}") for n in range(21)] == [401] * 20 + [429]
    assert ask("192.0.2.2") == 401
    assert ask("192.0.2.1", "192.0.2.3") == 429


def test_who_guesses_tokens_is_counted_by_address(counting: Any, people: Any, as_: Any) -> None:
    guessing = APIClient()
    guessing.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    codes = [guessing.get(NO_RUN).status_code for _ in range(10)] + [
        APIClient().get(NO_RUN).status_code for _ in range(10)
    ]
    assert codes == [401] * 20
    assert guessing.get(NO_RUN).status_code == APIClient().get("/api/nothing").status_code == 429
    assert as_("manager").get(NO_RUN).status_code == 404  # from the same address, with a token
    assert sign_in(PASSWORD).status_code == 200


# --- Redis is there, and no connection to it free ---


def crowded(monkeypatch: pytest.MonkeyPatch, times: int) -> list[None]:
    """The pool has no connection for so many calls."""
    real, tried = quotas.spend_counted, list[None]()

    def spend(charges: Any) -> Any:
        tried.append(None)
        if len(tried) <= times:
            raise NoneFree("All 20 connections for cache were used for 1 s.")
        return real(charges)

    monkeypatch.setattr(quotas, "spend_counted", spend)
    return tried


def test_whoever_finds_every_connection_used_waits_for_one(
    counting: Any, people: Any, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowded(monkeypatch, 3)
    answer = as_("manager").get(NO_RUN)
    assert answer.status_code == 404 and "r=99" in answer["RateLimit"]


def test_a_crowd_does_not_open_the_door_for_itself(
    counting: Any, people: Any, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = crowded(monkeypatch, 1000)
    refused = as_("admin").get(RULES)
    assert (refused.status_code, refused.json()["code"]) == (503, "limits_unavailable") and refused[
        "Retry-After"
    ] == "5"
    assert len(tried) == quotas.TRIES


# --- Redis away: the settings of the tests name a server that is not there ---


def test_without_redis_jobs_are_limited_by_the_database(
    jobs: Any, rung: Any, as_: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = as_("manager")
    with clock.frozen(datetime(2026, 11, 26, 8, tzinfo=UTC)) as time:
        answers = [weigh(client) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {202} and remaining(answers[-1]) == ("creation", 0, 60)
        time.advance(20)
        refused = weigh(client)
        assert (refused.status_code, refused.json()["code"], refused["Retry-After"]) == (429, "rate_limited", "40")
        assert Run.objects.count() == 20
        assert weigh(as_("admin")).status_code == 202
        time.advance(41)
        assert weigh(client).status_code == 202
    assert len([each for each in caplog.records if each.name == "roundsman.limits"]) == 1


def test_without_redis_a_batch_that_does_not_fit_counts_nothing(people: Any) -> None:
    user = people["manager"]
    assert send_batch(user, 10).status_code == 200
    assert send_batch(user, 15).status_code == 429
    assert send_batch(user, 10).status_code == 200
    assert Spending.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_redis_20_of_64_jobs_at_once_are_made(jobs: Any, rung: Any, as_: Any) -> None:
    clients = [as_("manager") for _ in range(AT_ONCE)]
    answers = at_once(AT_ONCE, lambda n: weigh(clients[n]).status_code)
    assert Counter(answers) == {202: 20, 429: AT_ONCE - 20}
    assert Run.objects.count() == 20


def test_without_redis_nobody_signs_in_and_all_else_passes(people: Any, as_: Any) -> None:
    refused = sign_in(PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (503, "limits_unavailable")
    assert refused["Content-Type"] == "application/problem+json" and refused["Retry-After"] == "5"
    assert {as_("manager").get(NO_RUN).status_code for _ in range(101)} == {404}
    assert {as_("admin").get(RULES).status_code for _ in range(51)} == {200}
    assert APIClient().get(NO_RUN).status_code == 401


def test_when_redis_is_back_it_counts_again(
    people: Any, as_: Any, valkey_url: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = as_("manager")
    with caplog.at_level("INFO", "roundsman.limits"):
        assert "RateLimit" not in client.get(NO_RUN)
        connections.close()
        settings.REDIS = dict.fromkeys(PURPOSES, options(valkey_url))
        redis.Redis.from_url(valkey_url).flushdb()
        assert remaining(client.get(NO_RUN))[:2] == ("general", 99)
    connections.close()
    told = [each.getMessage() for each in caplog.records if each.name == "roundsman.limits"]
    assert len(told) == 2 and told[1] == "Redis counts requests again."
