"""The smaller parts of the chaos runs: the log read into facts, the client's journal, the table of steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from project.chaos import failpoints_table, load, options, reading, scenes
from project.chaos.facts import STILL
from project.chaos.orders import Ask
from queues.failpoints import POINTS


def row(what: str, at: float, **told: str) -> tuple[object, ...]:
    return (what, *(told.get(name) for name in ("run", "token", "worker", "queue", "key", "state", "xid")), at)


def test_the_log_becomes_holds_leases_and_effects() -> None:
    log = [
        row("slot+", 1.0, token="t", worker="w", queue="billing"),
        row("hold+", 1.1, run="r", token="t", worker="w", queue="billing", key="c"),
        row("done", 1.2, run="r", token="t", key="order-1", xid="5"),
        row("hold-", 1.3, run="r", token="t", state="succeeded", xid="6"),
        row("slot-", 1.4, token="t", queue="billing"),
        row("hold+", 1.5, run="s", token="u", worker="w", queue="billing"),
    ]
    ended, open_ = reading.holds(log)
    assert (ended.run, ended.key, ended.opened, ended.closed, ended.ended, ended.xid) == (
        "r", "c", 1.1, 1.3, "succeeded", "6",
    )  # fmt: skip
    assert (open_.run, open_.key, open_.closed) == ("s", "", STILL)
    (lease,) = reading.leases(log)
    assert (lease.token, lease.queue, lease.opened, lease.closed) == ("t", "billing", 1.0, 1.4)
    (effect,) = reading.effects(log)
    assert (effect.key, effect.run, effect.token, effect.at, effect.xid) == ("order-1", "r", "t", 1.2, "5")


def test_a_slot_behind_another_counts_from_that_ones_end_on() -> None:
    log = [
        row("slot+", 1.0, token="first", worker="w", queue="billing"),
        row("slot+", 1.1, token="second", worker="w", queue="billing", key="first"),
        row("slot+", 1.2, token="third", worker="w", queue="billing", key="second"),
        row("slot-", 1.4, token="first", queue="billing"),
        row("slot-", 1.9, token="second", queue="billing"),
        row("slot+", 2.0, token="late", worker="w", queue="billing", key="gone before the log began"),
    ]
    spans = {lease.token: (lease.opened, lease.closed) for lease in reading.leases(log)}
    assert spans == {"first": (1.0, 1.4), "second": (1.4, 1.9), "third": (1.9, STILL), "late": (2.0, STILL)}


def test_what_one_transaction_ended_ended_at_one_moment() -> None:
    log = [
        row("slot+", 1.0, token="first", worker="w", queue="billing"),
        row("slot+", 1.1, token="second", worker="w", queue="billing", key="first"),
        row("slot+", 1.2, token="third", worker="w", queue="billing", key="second"),
        row("slot-", 1.40, token="second", queue="billing", xid="7"),
        row("slot-", 1.41, token="first", queue="billing", xid="7"),
    ]
    spans = {lease.token: (lease.opened, lease.closed) for lease in reading.leases(log)}
    assert spans == {"first": (1.0, 1.41), "second": (1.41, 1.41), "third": (1.41, STILL)}


def play(path: Path, jobs: int, place: load.Placed) -> None:
    load.run(journal=str(path), began=0.0, seed=1, jobs=jobs, helpings=[(0.0, jobs)], place=place)


def test_a_client_that_was_killed_is_followed_by_one_who_asks_for_nothing_again(tmp_path: Path) -> None:
    path, asked = tmp_path / "journal", list[str]()

    def place(ask: Ask) -> list[str]:
        asked.extend(ask.keys)
        if len(asked) > 20:
            raise SystemExit  # killed between the commit and the word of it
        if ask.way == "rolled_back":
            raise load.RolledBack
        return [f"id-{key}" for key in ask.keys]

    with pytest.raises(SystemExit):
        play(path, 1000, place)
    first, asked = asked, []
    with pytest.raises(SystemExit):
        play(path, 1000, place)
    assert not set(first) & set(asked)
    journal = reading.journal(path)
    assert set(journal.acknowledged) <= set(first) | set(asked)
    assert not journal.void & set(journal.acknowledged)
    assert all(run_id == f"id-{key}" for key, run_id in journal.acknowledged.items())


def test_an_answer_that_never_came_is_noted_and_the_client_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, failed = tmp_path / "journal", list[Ask]()
    monkeypatch.setattr(load.time, "sleep", lambda seconds: None)

    def place(ask: Ask) -> list[str]:
        if not failed:
            failed.append(ask)
            raise ConnectionError("gone")
        if ask.way == "rolled_back":
            raise load.RolledBack
        return ask.keys

    play(path, 5, place)
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [entry["keys"] for entry in told if entry["what"] == "unknown"] == [failed[0].keys]
    assert not set(failed[0].keys) & set(reading.journal(path).acknowledged)


def test_every_numbered_step_has_a_scene() -> None:
    for point in POINTS:
        scenes.scene_of(point)


def test_the_table_adds_up_what_the_lanes_say() -> None:
    first, second = list(POINTS)[:2]
    told: list[dict[str, object]] = [{"scene": n, "killed": True} for n in range(4)]
    told += [{"scene": 1, "lost": "order-000100: gone"}, {"scene": 2, "doubled": "order-000200: 2 times"}]
    rows = failpoints_table.add_up(told, {0: first, 1: second, 2: first, 3: second}, 2)
    by_point = {row.point: row for row in rows}
    assert (by_point[first].kills, by_point[first].lost, by_point[first].doubled) == (2, 0, 1)
    assert (by_point[second].kills, by_point[second].lost, by_point[second].doubled) == (2, 1, 0)
    missing = by_point[list(POINTS)[2]]
    assert missing.kills == 0
    assert missing.troubles
    assert f"| {second} | {POINTS[second]} | 2 | 1 | 0 |" in failpoints_table.table(rows)


@pytest.mark.parametrize("wrong", [["--lease", "1"], ["--jobs", "0"], ["--engine", "celery"], ["--poison", "--fires"]])
def test_options_that_make_no_sense_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options.parse(wrong)
    assert "usage: manage.py chaos" in capsys.readouterr().err


def test_full_means_a_hundred_kills_at_each_step() -> None:
    assert options.parse(["--full"]).failpoints == 100
    assert options.parse(["--failpoints"]).failpoints == 5
