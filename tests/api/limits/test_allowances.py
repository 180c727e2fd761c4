"""For whom a limit is: a key goes before its user, a user before the roles, and these before the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError

from queues import policy
from queues.contract import Actor
from queues.ledger import allowances, api_keys
from queues.models import Allowance, AuditEntry
from queues.rates import Rate

from .asking import remaining, send_batch

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("tests")


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
