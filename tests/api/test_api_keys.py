"""Machines' keys: their owner's rights and no more than their scopes, refused at once when revoked, kept as a hash."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from queues import policy
from queues.api import keys
from queues.contract import Actor
from queues.ledger import api_keys, clock
from queues.models import ApiKey, AuditEntry, Run
from queues.policy import Action

pytestmark = pytest.mark.django_db
STATS = "/api/v1/queue/stats"
ADA = Actor(label="ada", source="admin", user_id=7)
Maker = Callable[..., tuple[ApiKey, str]]


@pytest.fixture
def make(people: dict[str, User]) -> Maker:
    def made(owner: str = "manager", actions: Any = ("read", "stats"), queues: Any = ("billing",), **how: Any) -> Any:
        return api_keys.make("Gate", people[owner], actions=actions, queues=queues, actor=ADA, **how)

    return made


def by(text: str, header: str = "Authorization") -> APIClient:
    client = APIClient()
    given = {"HTTP_AUTHORIZATION": f"Bearer {text}"} if header == "Authorization" else {"HTTP_X_API_KEY": text}
    client.credentials(**given)
    return client


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_a_key_opens_the_api_in_either_header(make: Maker, header: str) -> None:
    assert by(make()[1], header).get(STATS).status_code == 200


def test_the_secret_is_256_random_bits_and_only_its_hash_is_kept(make: Maker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key, text = make()
    prefix, secret = api_keys.split(text) or ("", "")
    assert prefix == key.prefix and len(secret) == 43
    by(text).get(STATS)
    kept = str(list(ApiKey.objects.values())) + str(list(AuditEntry.objects.values())) + caplog.text
    assert secret not in kept and key.digest == api_keys.digest_of(secret)


def test_a_key_does_what_its_owner_may_within_its_scopes(make: Maker, a_run: Callable[..., Run]) -> None:
    mine, other = a_run("billing"), a_run("route-optimization")
    client = by(make(actions=["read"])[1])
    assert client.get(f"/api/v1/queue/billing/jobs/{mine.id}").status_code == 200
    assert client.get(f"/api/v1/queue/route-optimization/jobs/{other.id}").status_code == 404
    assert client.post(f"/api/v1/queue/billing/jobs/{mine.id}/cancel", {}, format="json").status_code == 403
    assert client.get(STATS).status_code == 403
    body = {"job": "tests.bill", "params": {"tons": 1}}
    assert client.post("/api/v1/queue/jobs", body, format="json").status_code == 403
    can = by(make(actions=["read", "enqueue"])[1])
    assert can.post("/api/v1/queue/jobs", body, format="json").status_code == 202
    assert can.post("/api/v1/queue/jobs", {**body, "job": "tests.weigh"}, format="json").status_code == 403


def test_a_scope_gives_nothing_that_the_owner_has_not(make: Maker, people: dict[str, User]) -> None:
    """A dispatcher reads billing's runs and starts none; the key is asked for both."""
    _, text = make("dispatcher", ["read", "enqueue"], ["billing", "email"])
    body = {"job": "tests.bill", "params": {"tons": 1}}
    assert by(text).post("/api/v1/queue/jobs", body, format="json").status_code in (403, 404)
    people["dispatcher"].groups.clear()
    assert by(text).get("/api/v1/queue/stats/billing").status_code == 403


def test_to_administer_the_whole_takes_a_key_for_every_queue(make: Maker) -> None:
    one = by(make("admin", ["administer"], ["billing"])[1])
    assert one.post("/api/v1/queue/billing/pause", {"why": "x"}, format="json").status_code == 200
    assert one.post("/api/v1/queue/email/pause", {"why": "x"}, format="json").status_code == 403
    assert one.post("/api/v1/queue/all/pause", {"why": "x"}, format="json").status_code == 403
    assert one.get("/api/v1/queue/error-rules").status_code == 403
    every = by(make("admin", ["administer"], policy.catalogue.NAMES)[1])
    assert every.get("/api/v1/queue/error-rules").status_code == 200


@pytest.mark.parametrize("action", [*Action])
@pytest.mark.parametrize("queue", [None, "billing", "email"])
def test_a_scope_only_ever_takes_away(people: dict[str, User], action: Action, queue: str | None) -> None:
    for role, user in people.items():
        whole = policy.may(user, action, queue=queue)
        for actions in ([], ["read"], [*Action]):
            held = User.objects.get(pk=user.pk)
            policy.keep_scope(held, policy.Scope.of(actions, ["billing"]))
            assert policy.may(held, action, queue=queue) <= whole, (role, actions)


@pytest.mark.parametrize("change", ["revoked", "expired", "owner off", "owner gone", "another secret", "rotated"])
def test_a_key_that_is_no_more_is_refused_at_the_next_request_and_nobody_is_told_why(
    make: Maker, people: dict[str, User], change: str
) -> None:
    key, text = make()
    assert by(text).get(STATS).status_code == 200
    if change == "revoked":
        api_keys.revoke(key, actor=ADA)
    elif change == "expired":
        ApiKey.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    elif change == "owner off":
        User.objects.filter(username="manager").update(is_active=False)
    elif change == "owner gone":
        people["manager"].delete()
    elif change == "rotated":
        assert by(api_keys.rotate(key, actor=ADA)).get(STATS).status_code == 200
    else:
        text = text[:-1] + ("A" if text[-1] != "A" else "B")
    answer = by(text).get(STATS)
    assert (answer.status_code, answer.json()["code"]) == (401, "key_not_valid")
    assert answer.json()["detail"] == "This API key is not valid."
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "text", ["rm_", "rm_abc_def", "rm_aaaaaaaaaa_" + "A" * 43, "rm_aaaaaaaaaa_" + "A" * 4000, "rm_é_x"]
)
def test_what_looks_like_a_key_and_is_none_is_refused(people: Any, text: str) -> None:
    assert by(text).get(STATS).status_code == 401
    assert by(text, "X-API-Key").get(STATS).status_code == 401


def test_a_key_in_the_address_is_refused_whatever_it_is_called(make: Maker) -> None:
    _, text = make()
    for query in (f"?api_key={text}", f"?anything={text}", "?api_key=x", f"?a=1&X-API-Key={text}"):
        answer = APIClient().get(STATS + query)
        assert (answer.status_code, answer.json()["code"]) == (401, "key_in_query"), query
        assert by(text).get(STATS + query).status_code == 401, "not even beside the header"


def test_a_key_is_read_with_its_owner_and_the_roles_in_one_statement(
    make: Maker, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any, people: dict[str, User]
) -> None:
    people["manager"].groups.add(Group.objects.get_or_create(name="choir")[0])
    key, _ = make(expires_at=clock.now() + timedelta(days=3))
    asked: list[str] = []
    fetch = keys.fetch
    monkeypatch.setattr(keys, "fetch", lambda sql, params: asked.append(sql) or fetch(sql, params))
    found = keys.read(key.prefix)
    assert found is not None and len(asked) == 1
    with django_assert_num_queries(0):
        assert policy.roles_of(found[0]) == {"manager"} and policy.may(found[0], Action.READ, queue="billing")
    same = ApiKey.objects.get()
    columns = [field.attname for field in ApiKey._meta.concrete_fields]
    assert [getattr(found[1], name) for name in columns] == [getattr(same, name) for name in columns]


def test_when_it_was_last_used_is_written_at_most_once_a_minute(make: Maker) -> None:
    key, text = make()
    with clock.frozen(clock.now()) as at:
        for _ in range(3):
            by(text).get(STATS)
        key.refresh_from_db()
        first = key.last_used_at
        assert first is not None
        at.advance(59)
        with CaptureQueriesContext(connection) as seen:
            by(text).get(STATS)
        assert not [each for each in seen.captured_queries if "UPDATE" in each["sql"] and "apikey" in each["sql"]]
        at.advance(2)
        by(text).get(STATS)
    key.refresh_from_db()
    assert key.last_used_at is not None and key.last_used_at - first >= timedelta(seconds=60)


def test_what_a_key_did_is_told_of_its_owner_and_the_key(make: Maker, jobs: Any, rung: Any) -> None:
    key, text = make(actions=["enqueue"])
    body = {"job": "tests.bill", "params": {"tons": 1}}
    answer = by(text).post("/api/v1/queue/jobs", body, format="json")
    assert answer.status_code == 202
    assert Run.objects.get().actor == f"manager (key {key.prefix})"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"actions": ["fly"]}, "actions"),
        ({"actions": []}, "actions"),
        ({"queues": ["nowhere"]}, "queues"),
        ({"actions": ["read"], "queues": []}, "actions"),
        ({"actions": ["administer"]}, "actions"),
        ({"owner": "driver"}, "actions"),
        ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, "expires_at"),
    ],
)
def test_a_key_that_could_do_nothing_is_not_made(make: Maker, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        make(**asked)
    assert field in wrong.value.message_dict
    assert not ApiKey.objects.exists()


def test_making_rotating_and_revoking_are_audited(make: Maker) -> None:
    key, _ = make(why="For the gate")
    api_keys.rotate(key, actor=ADA, why="Lost")
    api_keys.revoke(key, actor=ADA, why="Sold")
    told = list(AuditEntry.objects.order_by("id").values_list("action", "actor", "why", "object_type"))
    assert told == [
        ("api_key.create", "ada", "For the gate", "api_key"),
        ("api_key.rotate", "ada", "Lost", "api_key"),
        ("api_key.revoke", "ada", "Sold", "api_key"),
    ]


def test_the_command_makes_lists_and_revokes(people: dict[str, User]) -> None:
    out, told = io.StringIO(), io.StringIO()
    asked = ["--owner", "manager", "--action", "read", "--action", "stats", "--queue", "all", "--days", "30"]
    call_command("api_key", "create", "Gate", *asked, stdout=out, stderr=told)
    text = out.getvalue().strip()
    assert by(text).get(STATS).status_code == 200
    prefix, secret = api_keys.split(text) or ("", "")
    listed = io.StringIO()
    call_command("api_key", "list", stdout=listed)
    assert (
        prefix in listed.getvalue()
        and "live" in listed.getvalue()
        and secret not in listed.getvalue() + told.getvalue()
    )
    call_command("api_key", "revoke", prefix, reason="Done", stdout=listed)
    assert by(text).get(STATS).status_code == 401
    for wrong in (("revoke", prefix, "--reason", "again"), ("revoke", "nothing", "--reason", "x")):
        with pytest.raises(CommandError):
            call_command("api_key", *wrong)
    with pytest.raises(CommandError, match="no account"):
        call_command("api_key", "create", "Gate", "--owner", "zoe", "--action", "read", "--queue", "billing")


def test_the_schema_names_both_ways_in(people: Any) -> None:
    import yaml

    out = io.StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    schema = yaml.safe_load(out.getvalue())
    scheme = schema["components"]["securitySchemes"]["apiKey"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "X-API-Key")
    assert {"apiKey": []} in schema["paths"][STATS]["get"]["security"]
