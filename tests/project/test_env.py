"""The environment's reader: every variable, wrong values, aliases."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from project import env
from project.env import BY_NAME, REQUIRED, VARIABLES, Environment

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = [v for v in VARIABLES if v.kind in (int, float)]
FLAGS = [v for v in VARIABLES if v.kind is bool]


def read(name: str, **source: str) -> object:
    return Environment(source, defaults={})(name)


def test_the_reference_page_is_made_from_the_table() -> None:
    assert (ROOT / "docs/reference/settings.md").read_text() == env.document()


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda v: v.name)
def test_every_variable_takes_its_own_example(variable: env.Variable) -> None:
    assert read(variable.name, **{variable.name: variable.example}) is not None


@pytest.mark.parametrize("variable", NUMBERS, ids=lambda v: v.name)
def test_a_number_that_is_none_names_its_variable_and_an_example(variable: env.Variable) -> None:
    for wrong in ("many", str((variable.least or 0) - 1)):
        with pytest.raises(
            ImproperlyConfigured, match=f"{variable.name}=.*Example: {variable.name}={variable.example}"
        ):
            read(variable.name, **{variable.name: wrong})


@pytest.mark.parametrize("variable", FLAGS, ids=lambda v: v.name)
def test_a_flag_is_true_or_false_and_nothing_else(variable: env.Variable) -> None:
    assert read(variable.name, **{variable.name: "Yes"}) is True
    assert read(variable.name, **{variable.name: "0"}) is False
    with pytest.raises(ImproperlyConfigured, match="true or false"):
        read(variable.name, **{variable.name: "maybe"})


def test_no_secret_has_a_default() -> None:
    assert all(v.default is REQUIRED or v.default in ("", []) for v in VARIABLES if v.secret)


def test_what_is_required_and_missing_is_named_with_an_example() -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not set.*Example: DATABASE_URL=postgres://"):
        read("DATABASE_URL")


def test_a_wrong_secret_is_not_shown() -> None:
    for variable in (v for v in VARIABLES if v.secret):
        if variable.check is None:
            assert variable.kind is str  # and so is never refused
            continue
        with pytest.raises(ImproperlyConfigured) as told:
            read(variable.name, **{variable.name: "hush-hush"})
        assert "hush-hush" not in str(told.value)


def test_an_alias_counts_where_the_name_is_not_set() -> None:
    assert read("WORKER_CONCURRENCY", QUEUE_CONCURRENCY="7") == 7
    assert read("WORKER_CONCURRENCY", QUEUE_CONCURRENCY="7", WORKER_CONCURRENCY="4") == 4


def test_an_empty_value_is_no_value() -> None:
    assert read("WORKER_CONCURRENCY", WORKER_CONCURRENCY=" ") == BY_NAME["WORKER_CONCURRENCY"].default


def test_an_overlay_gives_defaults_and_the_environment_wins() -> None:
    assert Environment({}, defaults={"LOG_LEVEL": "DEBUG"})("LOG_LEVEL") == "DEBUG"
    assert Environment({"LOG_LEVEL": "ERROR"}, defaults={"LOG_LEVEL": "DEBUG"})("LOG_LEVEL") == "ERROR"


def test_queues_are_overridden_one_by_one() -> None:
    source = {
        "QUEUE_ROUTE_OPTIMIZATION_CONCURRENCY": "4",
        "QUEUE_EMAIL_ENABLED": "false",
        "QUEUE_EMAIL_RATE_LIMIT": "10/s",
    }
    answer = Environment(source).queue_overrides(("route-optimization", "email", "billing"))
    assert answer == {"route-optimization": {"concurrency": 4}, "email": {"enabled": False, "rate_limit": "10/s"}}
    with pytest.raises(ImproperlyConfigured, match="QUEUE_BILLING_CONCURRENCY"):
        Environment({"QUEUE_BILLING_CONCURRENCY": "0"}).queue_overrides(("billing",))


@pytest.mark.parametrize(
    ("low", "high"),
    [("DATABASE_POOL_MIN", "DATABASE_POOL_MAX"), ("REDIS_POOL_MIN_CONNECTIONS", "REDIS_POOL_MAX_CONNECTIONS")],
)
def test_a_pool_cannot_keep_more_ready_than_it_may_have(low: str, high: str) -> None:
    assert Environment({low: "7", high: "7"}).range(low, high) == (7, 7)
    assert Environment({high: "1"}, defaults={}).range(low, high) == (1, 1)
    with pytest.raises(ImproperlyConfigured, match=f"{low}=8 is more than {high}=7. Example"):
        Environment({low: "8", high: "7"}).range(low, high)


def test_a_file_that_cannot_be_read_is_told_at_the_start(tmp_path: Path) -> None:
    there = tmp_path / "ca.pem"
    there.write_text("")
    assert Environment({"REDIS_CA_FILE": str(there)}).file("REDIS_CA_FILE") == str(there)
    assert Environment({}, defaults={}).file("REDIS_CA_FILE") == ""
    with pytest.raises(ImproperlyConfigured, match=r"REDIS_CA_FILE=.*No such file.*Example: REDIS_CA_FILE=/etc"):
        Environment({"REDIS_CA_FILE": str(tmp_path / "none")}).file("REDIS_CA_FILE")


def test_a_rate_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="QUEUE_RATE_LIMIT='often'.*Write e.g. 30/s"):
        read("QUEUE_RATE_LIMIT", QUEUE_RATE_LIMIT="often")
    with pytest.raises(ImproperlyConfigured, match="QUEUE_EMAIL_RATE_LIMIT='often'"):
        Environment({"QUEUE_EMAIL_RATE_LIMIT": "often"}).queue_overrides(("email",))


@pytest.mark.parametrize("name", ["GENERAL", "CREATION", "ADMINISTRATION", "LOGIN"])
def test_a_limit_that_is_none_is_refused_at_the_start_and_the_word_none_is_one(name: str) -> None:
    variable = f"RATE_LIMIT_{name}"
    for wrong in ("100", "100/", "0/min", "100/0min", "100/fortnight", "often"):
        with pytest.raises(ImproperlyConfigured, match=f"{variable}='{wrong}'.*Example: {variable}=.*Write e.g."):
            read(variable, **{variable: wrong})
    assert read(variable, **{variable: "none"}) == "none"
    assert read(variable, **{variable: "100/900s"}) == "100/900s"


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "postgres://h:port/x"])
def test_a_database_url_that_cannot_be_used_is_told_with_an_example(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL.*Example"):
        env.database(url, Environment({}, defaults={}))


def test_postgres_gets_a_pool_and_a_statement_limit_and_sqlite_its_pragmas() -> None:
    postgres = env.database("postgres://u:p@h:5432/db", Environment({"DATABASE_STATEMENT_TIMEOUT": "3"}, defaults={}))
    assert postgres["CONN_MAX_AGE"] == 0 and postgres["OPTIONS"]["options"] == (
        "-c statement_timeout=3000 -c idle_in_transaction_session_timeout=60000"
        " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=4 -c tcp_keepalives_count=4"
    )
    assert (postgres["OPTIONS"]["pool"]["min_size"], postgres["OPTIONS"]["pool"]["max_size"]) == (2, 10)
    sqlite = env.database("sqlite:////tmp/x.sqlite3", Environment({}, defaults={}))
    assert (
        sqlite["OPTIONS"]["transaction_mode"] == "IMMEDIATE" and "journal_mode=WAL" in sqlite["OPTIONS"]["init_command"]
    )


def test_the_log_has_two_formats() -> None:
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT='xml'.*one of json, line"):
        read("LOG_FORMAT", LOG_FORMAT="xml")


def test_what_must_not_be_told_is_every_secret_and_of_urls_the_password() -> None:
    source = {
        "SECRET_KEY": "signs",
        "LOG_LEVEL": "INFO",
        "DATABASE_URL": "postgres://ada:p%40ss@db/x",
        "REDIS_URL": "redis+sentinel://:word@a:1,b:2/s/0",
    }
    assert Environment(source, defaults={}).secret_texts() == ["signs", "p@ss", "word"]
    assert Environment({"REDIS_URL": "redis://[broken"}, defaults={}).secret_texts() == []
