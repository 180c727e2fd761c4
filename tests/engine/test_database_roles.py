"""The application's role on PostgreSQL: it works, and it cannot touch what it wrote into the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from queues.ledger import database_roles
from queues.ledger.queue_settings import ensure_queues
from queues.ledger.verify import verify
from queues.models import Queue
from queues.watch import validate

from .tampering import run, seal_all, written

pytestmark = pytest.mark.django_db(transaction=True)
OWNER, APP = "tests_owner", "tests_app"


def roles(*arguments: str, owner: str = OWNER, app: str = APP) -> str:
    out = StringIO()
    call_command("database_roles", *arguments, owner=owner, app=app, stdout=out)
    return out.getvalue()


@pytest.fixture
def parted() -> Iterator[None]:
    """The roles are there, and go with the test."""
    if connection.vendor != "postgresql":
        pytest.skip("roles are PostgreSQL's")
    us = connection.settings_dict["USER"]
    roles("--apply")
    yield
    run("RESET SESSION AUTHORIZATION")
    run(f"REASSIGN OWNED BY {OWNER}, {APP} TO {us}")
    run(f"DROP OWNED BY {OWNER}")
    run(f"DROP OWNED BY {APP}")
    run(f"DROP ROLE {OWNER}, {APP}")


@pytest.fixture
def as_app(parted: None) -> Iterator[None]:
    """This connection is the application's, as one that logged in under its name; it can't become anybody else."""
    run(f"SET SESSION AUTHORIZATION {APP}")
    yield
    run("RESET SESSION AUTHORIZATION")


def test_the_application_works_writes_entries_and_seals_them(as_app: None) -> None:
    ensure_queues()
    assert Queue.objects.filter(name="billing").update(concurrency=1) == 1
    written(3)
    assert seal_all() == 3 and verify().good == 3
    Queue.objects.all().delete()


@pytest.mark.parametrize("table", database_roles.AUDIT)
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0}", "DROP TABLE {0}", "SELECT * FROM {0} FOR UPDATE",
        "ALTER TABLE {0} DISABLE TRIGGER append_only", "ALTER TABLE {0} DISABLE TRIGGER ALL", "DROP TRIGGER append_only ON {0}",
        "ALTER TABLE {0} OWNER TO tests_app", "ALTER TABLE {0} RENAME TO mine",
        "CREATE TRIGGER mine BEFORE INSERT ON {0} EXECUTE FUNCTION queues_append_only()",
        "CREATE OR REPLACE FUNCTION queues_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "DROP FUNCTION queues_append_only() CASCADE", "SET session_replication_role = replica", "SET ROLE tests_owner",
        "CREATE TABLE mine (n int)", "CREATE RULE mine AS ON INSERT TO {0} DO INSTEAD NOTHING",
    ],
)  # fmt: skip
def test_the_application_cannot_touch_what_is_written(as_app: None, table: str, sql: str) -> None:
    written(1)
    with (
        pytest.raises(DatabaseError, match=r"permission denied|must be owner|append-only"),
        transaction.atomic(),
    ):
        run(sql.format(table, "id" if table.endswith("entry") else "seq"))
    assert seal_all() == 1 and verify().faults == []


def test_the_application_cannot_give_itself_what_it_lacks(as_app: None) -> None:
    run("GRANT DELETE ON queues_auditentry TO tests_app")  # which PostgreSQL answers with no more than a warning
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        run("DELETE FROM queues_auditentry")


def test_not_even_the_triggers_are_needed_for_that(parted: None) -> None:
    with transaction.atomic():
        run("ALTER TABLE queues_auditentry DISABLE TRIGGER append_only")
        run(f"SET LOCAL SESSION AUTHORIZATION {APP}")
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            run("DELETE FROM queues_auditentry")
        run("RESET SESSION AUTHORIZATION")
        run("ALTER TABLE queues_auditentry ENABLE ALWAYS TRIGGER append_only")


def test_the_owner_migrates_and_new_tables_are_the_applications_to_use(parted: None) -> None:
    run(f"SET SESSION AUTHORIZATION {OWNER}")
    call_command("migrate", verbosity=0)
    run("CREATE TABLE newer (n bigserial)")
    run(f"SET SESSION AUTHORIZATION {APP}")
    run("INSERT INTO newer DEFAULT VALUES")
    run("DELETE FROM newer")
    run(f"SET SESSION AUTHORIZATION {OWNER}")
    run("DROP TABLE newer")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run("DELETE FROM queues_auditentry")
    run("RESET SESSION AUTHORIZATION")


def test_again_is_no_harm_and_takes_back_what_was_given_since(parted: None) -> None:
    run(f"GRANT ALL ON queues_auditentry, queues_auditseal TO {APP}")
    run(f"GRANT {OWNER} TO {APP}")
    roles("--apply")
    told = connection.cursor()
    told.execute(
        "SELECT has_table_privilege(%s, 'queues_auditseal', 'UPDATE'), pg_has_role(%s, %s, 'MEMBER')", [APP, APP, OWNER]
    )
    assert told.fetchone() == (False, False)


def audit_log() -> Any:
    (found,) = [each for each in validate.configuration() if each.about == "audit log"]
    return found


def test_validate_warns_of_a_role_that_could_bend_the_audit_log() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("roles are PostgreSQL's")
    ensure_queues()
    assert audit_log().level == "warning" and "database_roles" in audit_log().mend


def test_validate_is_content_with_parted_roles(as_app: None) -> None:
    assert (audit_log().level, APP in audit_log().text) == ("ok", True)


def test_without_apply_the_sql_is_printed_and_nothing_done() -> None:
    if connection.vendor != "postgresql":
        with pytest.raises(CommandError, match="Roles are PostgreSQL's"):
            roles()
        return
    text = roles()
    assert f"CREATE ROLE {OWNER}" in text and "GRANT SELECT, INSERT ON" in text and "PASSWORD" not in text
    run_count: Any = connection.cursor()
    run_count.execute("SELECT count(*) FROM pg_roles WHERE rolname IN (%s, %s)", [OWNER, APP])
    assert run_count.fetchone() == (0,)
    with pytest.raises(CommandError, match="no name for a role"):
        roles(owner='x"; DROP TABLE y')


@pytest.mark.parametrize(
    ("owner", "app"), [("a", "a"), ("pg_mine", "a"), ("a", "B"), ("a", "1a"), ("a b", "c"), ("", "c")]
)
def test_names_that_are_none_are_refused(owner: str, app: str) -> None:
    with pytest.raises(ValueError, match="role"):
        database_roles.statements("d", owner, app)
