"""The command line: what it writes, and its exit codes, against the application itself."""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from roundsman_client.cli import following, showing
from roundsman_client.cli.keeping import Keeper, Kept, KeptTokens
from roundsman_client.cli.main import main
from roundsman_client.client import Client
from roundsman_client.tokens import Tokens

from queues.contract import Actor
from queues.ledger import api_keys, clock
from queues.ledger.requests import new_id
from queues.models import Alert, JobDefinition, Queue, Run, Schedule, TokenFamily

from .conftest import JOB, PASSWORD, end, writes

Say = Callable[..., Result]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """say("runs", "list"): the command, in a home of its own."""
    monkeypatch.setenv("ROUNDSMAN_CONFIG_DIR", str(tmp_path / "roundsman"))
    for name in ("ROUNDSMAN_URL", "ROUNDSMAN_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return lambda *words, given="": CliRunner().invoke(main, list(words), input=given)


@pytest.fixture
def signed(say: Say, server: str) -> Say:
    """The same, signed in as admin."""
    done = say("login", "--url", server, "--username", "admin", given=f"{PASSWORD}\n\n")
    assert done.exit_code == 0, done.output
    return say


def ran(done: Result) -> Any:
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def rows(done: Result) -> list[Any]:
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_sign_in_is_kept_where_only_its_owner_reads(signed: Say, tmp_path: Path, server: str) -> None:
    kept = tmp_path / "roundsman" / "session.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert PASSWORD not in kept.read_text()
    assert json.loads(kept.read_text())["url"] == server
    assert signed("logout").exit_code == 0 and not kept.exists()
    after = signed("status")
    assert after.exit_code == 3 and "roundsman login" in after.stderr


def test_a_wrong_password_is_refused_and_shown_nowhere(say: Say, server: str) -> None:
    done = say("login", "--url", server, "--username", "admin", given="not-the-password\n\n")
    assert done.exit_code == 3 and "not-the-password" not in done.output and done.stdout == ""


def test_tokens_are_never_sent_to_another_address(signed: Say, tmp_path: Path) -> None:
    done = signed("--url", "http://127.0.0.1:1", "status")
    assert done.exit_code == 3 and "not signed in at http://127.0.0.1:1" in done.stderr
    keeper = Keeper(tmp_path / "other")
    keeper.write(Kept("https://b.example", tokens=Tokens("b", "b", 0.0)))
    of_a = KeptTokens(keeper, "https://a.example")
    of_a.save(Tokens("a", "a", 0.0))
    assert of_a.load() is None and keeper.read() == Kept("https://b.example", tokens=Tokens("b", "b", 0.0))


def test_tokens_that_were_renewed_are_kept_for_the_next_command(signed: Say, tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "roundsman")
    kept = keeper.read()
    assert kept is not None and kept.tokens is not None
    keeper.write(Kept(kept.url, tokens=Tokens(kept.tokens.access, kept.tokens.refresh, 0.0)))
    assert signed("status").exit_code == 0
    now = keeper.read()
    assert now is not None and now.tokens is not None and now.tokens.refresh != kept.tokens.refresh
    assert signed("status").exit_code == 0


def test_a_run_is_asked_for_with_its_parameters(signed: Say) -> None:
    told = ran(signed("jobs", "run", JOB, "-p", "tons=3", "-p", "note=full", "--priority", "5", "--json"))
    assert (told["params"], told["priority"]) == ({"tons": 3, "note": "full"}, 5)
    told = ran(signed("jobs", "run", JOB, "--params-file", "-", "-p", 'note="7"', "--json", given='{"tons": 4}'))
    assert told["params"] == {"tons": 4, "note": "7"}
    JobDefinition.objects.create(name="Haul it", job=JOB, params={"tons": 9})
    shown = signed("jobs", "run", "Haul it", "--definition")
    assert shown.exit_code == 0 and "Haul it" in shown.stdout and '"tons": 9' in shown.stdout


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("dead", 1), ("cancelled", 1)])
def test_waiting_ends_with_the_outcome_as_exit_code(
    signed: Say, monkeypatch: pytest.MonkeyPatch, state: str, code: int
) -> None:
    from queues.engine import dispatch

    monkeypatch.setattr(dispatch, "release_listed", lambda rows, **how: end(*(one.id for _, one in rows), state=state))
    assert signed("jobs", "run", JOB, "-p", "tons=3", "--wait").exit_code == code


def test_watching_writes_a_line_each_for_pipes_and_programs(signed: Say) -> None:
    run_id = ran(signed("jobs", "run", JOB, "-p", "tons=3", "--json"))["id"]
    writes(run_id, "a load", "\x1b[31mred")
    end(run_id, progress_done=2, progress_total=4)
    plain = signed("runs", "watch", run_id)
    assert plain.exit_code == 0
    first, second, *_, progress, last = plain.stdout.splitlines()
    assert first == "state succeeded attempt 1 of 6" and second.endswith("info a load")
    assert progress == "progress 2 of 4" and last == "end succeeded {'tons': 3}"
    assert "\x1b" not in plain.output, "no text of a job commands the terminal"
    told = rows(signed("runs", "watch", run_id, "--json"))
    assert [each["event"] for each in told] == ["state", "log", "log", "progress", "end"]
    assert signed("runs", "log", run_id).stdout.splitlines()[0].endswith(" info    a load")


def test_people_see_a_bar_and_tables(signed: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = ran(signed("jobs", "run", JOB, "-p", "tons=3", "--json"))["id"]
    writes(run_id, "[bold]a \x1b[31mload")
    end(run_id, progress_done=2, progress_total=4, progress_note="half")
    monkeypatch.setattr(showing, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    watched = signed("runs", "watch", run_id).stdout
    assert "succeeded half" in watched and "50%" in watched and "[bold]a \ufffd[31mload" in watched
    assert run_id in signed("runs", "list").stdout and "billing" in signed("queues", "list").stdout


def test_two_commands_at_once_renew_once(signed: Say, server: str, tmp_path: Path) -> None:
    keepers = [Keeper(tmp_path / "roundsman") for _ in range(3)]
    kept = keepers[0].read()
    assert kept is not None and kept.tokens is not None
    keepers[0].write(Kept(server, tokens=replace(kept.tokens, renew_at_s=0.0)))

    def ask(keeper: Keeper) -> Any:
        with Client(server, store=KeptTokens(keeper, server)) as client:
            return client.status()

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(ask, keepers))
    assert not TokenFamily.objects.exists(), "none of them looks like a thief"


def test_the_shell_completes_names(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", "roundsman runs w")
    monkeypatch.setenv("COMP_CWORD", "2")
    monkeypatch.setenv("_ROUNDSMAN_COMPLETE", "bash_complete")
    done = CliRunner().invoke(main, [], prog_name="roundsman")
    assert done.stdout.strip() == "plain,watch"


def test_too_late_is_told_and_the_run_goes_on(signed: Say) -> None:
    before = signal.getsignal(signal.SIGALRM)
    done = signed("jobs", "run", JOB, "-p", "tons=3", "--wait", "--timeout", "0.2")
    run = Run.objects.get()
    assert done.exit_code == 4 and f"roundsman runs watch {run.pk}" in done.stderr and run.state == "pending"
    assert signal.getsignal(signal.SIGALRM) == before


def test_ctrl_c_leaves_the_run_alone_and_tells_how_to_watch_it_again(
    signed: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = ran(signed("jobs", "run", JOB, "-p", "tons=3", "--json"))["id"]

    def stopped(self: Client, watched: str) -> Any:
        yield from ()
        raise KeyboardInterrupt

    monkeypatch.setattr(following.Client, "watch", stopped)
    done = signed("runs", "watch", run_id)
    assert done.exit_code == 130 and f"roundsman runs watch {run_id}" in done.stderr
    assert Run.objects.get().state == "pending"


def test_runs_are_listed_shown_cancelled_and_retried(signed: Say) -> None:
    ids = [ran(signed("jobs", "run", JOB, "-p", f"tons={tons}", "--json"))["id"] for tons in (1, 2, 3)]
    assert [each["id"] for each in rows(signed("runs", "list", "--limit", "2", "--json"))] == ids[:0:-1]
    assert signed("runs", "list", "--state", "pending").stdout.splitlines()[0].split("\t")[:3] == [
        ids[2], JOB, "route-optimization",
    ]  # fmt: skip
    assert signed("runs", "cancel", ids[0], "--why", "A test").stdout == f"The run {ids[0]} is cancelled now.\n"
    assert ran(signed("runs", "show", ids[0], "--json"))["state"] == "cancelled"
    again = signed("runs", "cancel", ids[0])
    assert (again.exit_code, again.stdout) == (3, "") and "cancelled already" in again.stderr
    assert ran(signed("runs", "retry", ids[0], "--json"))["state"] == "pending"


def test_queues_are_steered_and_listed(signed: Say) -> None:
    assert signed("queues", "pause", "billing", "--why", "Prices").stdout == "The queue billing is paused now.\n"
    assert "billing\tpaused" in signed("queues", "list").stdout
    assert ran(signed("queues", "resume", "billing", "--json"))["paused"] is False
    assert ran(signed("queues", "drain", "billing", "--why", "The end", "--json"))["draining"] is True
    assert len(rows(signed("queues", "list", "--json"))) == Queue.objects.count()
    assert signed("queues", "pause", "billing").exit_code == 2, "a reason is asked for"


def test_schedules_are_named_by_id_or_name(signed: Say) -> None:
    definition = JobDefinition.objects.create(name="Haul", job=JOB, params={"tons": 3})
    row = Schedule.objects.create(name="Daily", definition=definition, kind="cron", cron="30 5 * * *")
    assert signed("schedules", "pause", "Daily", "--why", "Snow").stdout == "The schedule Daily is paused now.\n"
    assert ran(signed("schedules", "resume", str(row.pk), "--json"))["state"] == "on"
    assert len(signed("schedules", "next", "Daily", "--count", "3").stdout.splitlines()) == 3
    assert [each["name"] for each in rows(signed("schedules", "list", "--json"))] == ["Daily"]
    assert signed("schedules", "next", "Weekly").exit_code == 3


def test_alerts_are_listed_and_taken_care_of(signed: Say) -> None:
    now = clock.now()
    row = Alert.objects.create(
        id=new_id(), rule="queue_wait", queue="billing", level="critical", text="It waits.", value=90, threshold=10, peak=90,
        opened_at=now, level_at=now, last_seen_at=now,
    )  # fmt: skip
    assert f"{row.pk}\tcritical\tqueue_wait\tbilling\t" in signed("alerts", "list").stdout
    assert rows(signed("alerts", "list", "--state", "resolved", "--json")) == []
    done = signed("alerts", "ack", str(row.pk), "--note", "A worker hangs")
    assert done.stdout == "You are on it: Queue wait, billing.\n"
    (told,) = rows(signed("alerts", "list", "--json"))
    assert (told["acknowledged_by"], told["note"]) == ("admin", "A worker hangs")
    assert signed("alerts", "ack", str(row.pk)).exit_code == 3
    assert signed("alerts", "ack", str(new_id())).exit_code == 3


def test_how_the_whole_is(signed: Say) -> None:
    assert ran(signed("status", "--json"))["workers"] == []
    assert signed("status").exit_code == 0
    assert ran(signed("health", "--json"))["grade"] in "ABCDF"
    assert "of 100" in signed("health").stderr


def test_a_machine_comes_with_its_key(say: Say, server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from django.contrib.auth.models import User

    owner = User.objects.get(username="admin")
    _, key = api_keys.make("Gate", owner, actions=["read", "enqueue"], queues=["billing"], actor=Actor.system("tests"))
    assert say("login", "--url", server, "--api-key-stdin", given=f"{key}\n").exit_code == 0
    assert say("runs", "list").exit_code == 0
    assert say("logout").exit_code == 0 and not (tmp_path / "roundsman" / "session.json").exists()
    monkeypatch.setenv("ROUNDSMAN_URL", server + "/")
    monkeypatch.setenv("ROUNDSMAN_API_KEY", key)
    assert say("runs", "list").exit_code == 0
    monkeypatch.setenv("ROUNDSMAN_API_KEY", "rm_wrong_key")
    assert say("runs", "list").exit_code == 3
    assert say("login", "--url", server, "--api-key-stdin", given="rm_wrong_key\n").exit_code == 3


@pytest.mark.parametrize(
    "words",
    [
        ("jobs", "run", "x", "-p", "tons"),
        ("jobs", "run"),
        ("runs", "list", "--limit", "0"),
        ("--url", "ftp://x", "status"),
        ("x",),
    ],
)
def test_wrong_usage_is_2(say: Say, words: tuple[str, ...]) -> None:
    assert say(*words).exit_code == 2


def test_nobody_there_is_4(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUNDSMAN_API_KEY", "rm_a_b")
    monkeypatch.setattr("roundsman_client.transport.TRIES", 1)
    done = say("--url", "http://127.0.0.1:1", "status")
    assert done.exit_code == 4 and "cannot be reached" in done.stderr and "Traceback" not in done.output


def test_many_runs_are_asked_for_from_a_file_and_a_bad_line_is_told_by_its_number(signed: Say) -> None:
    good, bad = json.dumps({"job": JOB, "params": {"tons": 3}}), json.dumps({"job": JOB, "params": {"tons": 300}})
    done = signed("jobs", "run-many", "-", given=f"{good}\n\n{bad}\n")
    assert done.exit_code == 3 and done.stdout.startswith("run ") and "request 2: " in done.stderr
    assert Run.objects.count() == 1
    told = signed("jobs", "run-many", "-", "--json", given=f"{good}\n{bad}\n")
    assert [json.loads(line)["status"] for line in told.stdout.splitlines()] == [202, 422]
    assert "Line 2 is no JSON" in signed("jobs", "run-many", "-", given=f"{good}\n{{\n").stderr
    assert signed("jobs", "run-many", "-", given="\n").exit_code == 2
