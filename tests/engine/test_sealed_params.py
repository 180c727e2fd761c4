"""Sealed parameters in the ledger: asked for in every way, kept from every reader, resealed under a new key."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from queues import encryption, registry
from queues.contract import Actor
from queues.engine.dispatch import enqueue_job
from queues.errors import IdempotencyConflict
from queues.ledger import clock
from queues.ledger.requests import new_id
from queues.ledger.reseal import reseal
from queues.models import AuditEntry, JobDefinition, OutboundCall, Queue, Run, Schedule, WebhookEndpoint

from .canary_job import Cage, tell
from .conftest import QUEUE, state_of, until

CANARY, CONTROL = "canary-7f3d91@example.org", "control-1c44aa"
NEW = "another-key-" + "n" * 40


@pytest.fixture(autouse=True)
def declared() -> Any:
    registry._specs[tell.name] = tell
    yield
    registry._specs.pop(tell.name, None)


def cage(end: str = "done", **changed: Any) -> Cage:
    return Cage(**{"end": end, "open": CONTROL, "hidden": CANARY, **changed})


def everything() -> str:
    """Every value of every table, as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found += [str(bytes(v) if isinstance(v, memoryview) else v) for row in cursor.fetchall() for v in row]
    return "\n".join(found)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("executor", ["threads", "asyncio", "children"])
def test_no_ending_leaves_a_sealed_value_in_the_database(
    working: Any, executor: str, capfd: pytest.CaptureFixture[str]
) -> None:
    ends = ["done", "dead", "retry", "cancel", "exit"]
    with working(slots=2):
        Queue.objects.filter(name=QUEUE).update(executor=executor)
        refs = [tell.enqueue(cage(end)) for end in ends] + tell.enqueue_many([cage(end) for end in ends])
        until(lambda: all(state_of(ref.id) in ("succeeded", "dead", "cancelled") for ref in refs))
    written = everything()
    assert CONTROL in written and "•••" in written
    assert CANARY not in written and CANARY.upper() not in written and "canary-7f3d91" not in written
    run = Run.objects.get(pk=refs[0].id)
    assert run.result["•••"] == ["•••"] and run.result["said"].startswith(f"{CONTROL} and ••• and •••")
    dead = Run.objects.get(pk=refs[1].id)
    assert "ValueError" in dead.error_detail and CONTROL in dead.error_message
    heard = "".join(capfd.readouterr())
    assert CANARY not in heard and CANARY.upper() not in heard


@pytest.mark.django_db
def test_what_a_person_asks_for_is_sealed_in_run_definition_schedule_and_audit(
    actor: Actor, queues_exist: None
) -> None:
    values = {"end": "done", "open": CONTROL, "hidden": CANARY}
    ref = enqueue_job(tell.name, values, actor=actor, why="a test")
    run = Run.objects.get(pk=ref.id)
    assert encryption.is_sealed(run.params["hidden"]) and tell.read(json.dumps(run.params)).hidden == CANARY
    entry = AuditEntry.objects.filter(action="run.enqueue").latest("id")
    assert CANARY not in str(entry.after) and CONTROL in str(entry.after)


@pytest.mark.django_db
def test_a_key_with_the_same_contents_gets_the_first_answer_and_with_another_secret_none(queues_exist: None) -> None:
    first = tell.enqueue(cage(), idempotency_key="k")
    assert tell.enqueue(cage(), idempotency_key="k").id == first.id
    with pytest.raises(IdempotencyConflict):
        tell.enqueue(cage(hidden="another@example.org"), idempotency_key="k")


@pytest.mark.django_db
def test_a_repeated_request_meets_a_live_run_of_the_same_secret_alone(queues_exist: None) -> None:
    first = tell.enqueue(cage())
    assert tell.enqueue(cage()).id == first.id
    assert tell.enqueue(cage(hidden="another@example.org")).id != first.id


def of_every_kind() -> None:
    definition = JobDefinition.objects.create(
        name="Canary", job=tell.name, params=tell.dump(cage()), timeout_s=10, max_attempts=1
    )
    Schedule.objects.create(
        definition=definition,
        name="Daily",
        kind="cron",
        cron="0 3 * * *",
        params={"hidden": tell.dump(cage())["hidden"]},
    )
    tell.enqueue(cage(), idempotency_key="k")
    tell.enqueue(cage(open="long " * 400))


@pytest.mark.django_db
def test_a_new_key_takes_over_everything_and_the_old_one_can_go(settings: Any, queues_exist: None) -> None:
    of_every_kind()
    old = list(settings.ENCRYPTION_KEYS)
    settings.ENCRYPTION_KEYS = [NEW, *old]
    said = StringIO()
    call_command("reseal", "--dry-run", stdout=said)
    assert "runs: 2 sealed, 2 to be renewed" in said.getvalue()
    assert not AuditEntry.objects.filter(action="encryption.reseal").exists()
    call_command("reseal", stdout=said)
    assert AuditEntry.objects.filter(action="encryption.reseal").count() == 1
    assert sum(each.renewed for each in reseal(actor=Actor.system("tests"))) == 0
    settings.ENCRYPTION_KEYS = [NEW]
    for run in Run.objects.all():
        assert tell.read(json.dumps(run.parameters)).hidden == CANARY
    assert tell.validate(JobDefinition.objects.get(name="Canary").params).hidden == CANARY
    assert tell.opened(Schedule.objects.get(name="Daily").params) == {"hidden": CANARY}
    first = Run.objects.order_by("id").first()
    assert first is not None and tell.enqueue(cage(), idempotency_key="k").id == first.id


@pytest.mark.django_db
def test_what_no_key_opens_is_named_and_left_as_it_is(settings: Any, queues_exist: None) -> None:
    ref = tell.enqueue(cage())
    before = Run.objects.get(pk=ref.id).params
    settings.ENCRYPTION_KEYS = [NEW]
    said = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("reseal", stdout=said)
    assert left.value.code == 1 and f"{ref.id}), hidden" in said.getvalue()
    assert Run.objects.get(pk=ref.id).params == before


@pytest.mark.django_db
def test_a_job_that_seals_from_today_has_its_old_runs_sealed(queues_exist: None) -> None:
    ref = tell.enqueue(cage())
    Run.objects.filter(pk=ref.id).update(params={"end": "done", "open": CONTROL, "hidden": CANARY})
    reseal(actor=Actor.system("tests"))
    assert Run.objects.get(pk=ref.id).params == tell.dump(cage())


@pytest.mark.django_db
def test_a_new_key_takes_encrypted_columns_along(settings: Any, queues_exist: None) -> None:
    """Secrets of webhooks, and what is sealed of calls to providers."""
    now = clock.now()
    owner = User.objects.create_user("ada")
    hook = WebhookEndpoint.objects.create(
        id=new_id(), owner=owner, url="https://hooks.example.org/", queues=[QUEUE], events=["run.dead"], secret="whsec_c2Vj",
        created_at=now, updated_at=now, created_by="ada",
    )  # fmt: skip
    call = OutboundCall.objects.create(
        id=new_id(), key="k", provider="p", operation="o", sealed='{"to": "x"}', created_at=now
    )
    settings.ENCRYPTION_KEYS = [NEW, *settings.ENCRYPTION_KEYS]
    told = {each.what: (each.sealed, each.renewed) for each in reseal(actor=Actor.system("tests"))}
    assert told["outbound call: sealed"] == (1, 1) and (1, 1) in [
        told[name] for name in told if name.endswith(": secret")
    ]
    settings.ENCRYPTION_KEYS = [NEW]
    assert WebhookEndpoint.objects.get(pk=hook.pk).secret == "whsec_c2Vj"
    assert OutboundCall.objects.get(pk=call.pk).opened == {"to": "x"}
