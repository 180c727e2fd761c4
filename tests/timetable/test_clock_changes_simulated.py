"""A day around each clock change, three schedulers with unruly clocks, in ten zones: no fire missed, none doubled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction

from project.chaos import fires
from project.chaos.apart import apart
from project.chaos.windows import DAY, ZONES, Window, windows
from queues.models import AuditEntry, Fire, JobDefinition, Run, Schedule

START = datetime(2026, 3, 28, 13, tzinfo=UTC)
AT = [START + timedelta(hours=hours) for hours in range(4)]
on_its_own = pytest.mark.django_db(transaction=True)  # threads see what is committed


def offset(zone: str, at: datetime) -> timedelta:
    found = at.astimezone(ZoneInfo(zone)).utcoffset()
    assert found is not None
    return found


@pytest.mark.parametrize("zone", [zone for zone in ZONES if zone != "Asia/Kolkata"])
def test_each_zone_has_a_day_around_its_own_change_forward_and_back(zone: str) -> None:
    found = windows(zone)
    jumps = [offset(zone, window.end) - offset(zone, window.start) for window in found]
    assert len(found) == 2 and sorted(jump > timedelta() for jump in jumps) == [False, True]
    for window, jump in zip(found, jumps, strict=True):
        assert window.moves == jump and window.change == window.start + DAY / 2
        assert offset(zone, window.change - timedelta(minutes=1)) + jump == offset(zone, window.change)


def test_a_zone_without_clock_changes_has_two_plain_days() -> None:
    for window in windows("Asia/Kolkata"):
        assert window.change is None and offset(window.zone, window.start) == offset(window.zone, window.end)
    assert len(windows("Asia/Kolkata")) == 2 and len(set(ZONES)) == 10


@on_its_own
def test_no_fire_is_missed_or_doubled_around_a_clock_change(caplog: pytest.LogCaptureFixture) -> None:
    rows = fires.main(seed=1)
    assert [(row.window.zone, row.missed, row.doubled) for row in rows] == [(row.window.zone, 0, 0) for row in rows]
    assert {(row.window.zone, row.window.start, row.clocks) for row in rows} == {
        (zone, window.start, clocks) for zone in ZONES for window in windows(zone) for clocks in fires.CLOCKS
    }
    assert len(rows) == 40 and min(row.expected for row in rows) > 30
    assert not caplog.records, "a schedule could not be fired"


@on_its_own
def test_berlins_days_alone_have_no_fire_missed_or_doubled() -> None:
    rows = fires.simulate(seed=3, zones=["Europe/Berlin"])
    assert [(row.missed, row.doubled) for row in rows] == [(0, 0)] * 4


@on_its_own
def test_the_simulation_leaves_the_database_as_it_was() -> None:
    JobDefinition.objects.create(name="Mine", job="chaos.none")
    assert len(fires.simulate(seed=2, zones=["Europe/Berlin"])) == 4
    assert [row.name for row in JobDefinition.objects.all()] == ["Mine"]
    assert not any(model.objects.exists() for model in (Schedule, Fire, Run, AuditEntry))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'apart%'")
            assert cursor.fetchone() == (0,)


@on_its_own
def test_what_is_written_apart_is_seen_there_alone() -> None:
    with apart():
        JobDefinition.objects.create(name="Apart", job="chaos.none")
        assert JobDefinition.objects.count() == 1
    assert not JobDefinition.objects.exists()


@on_its_own
@pytest.mark.postgres
def test_on_postgresql_nothing_is_simulated_inside_a_transaction() -> None:
    with pytest.raises(RuntimeError, match="inside a transaction"), transaction.atomic(), apart():
        raise AssertionError("it ran")


@pytest.mark.parametrize(
    ("fired", "runs", "found"),
    [
        (AT, 4, (0, 0)),
        (AT[1:], 3, (1, 0)),
        ([*AT, AT[2]], 5, (0, 1)),
        (AT, 5, (0, 1)),  # a run without its fire
        ([*AT[1:], START + timedelta(minutes=1)], 4, (1, 1)),  # one at a time at which nothing was due
        ([], 0, (4, 0)),
    ],
)
def test_the_judge_finds_what_is_missed_and_what_is_doubled(
    fired: list[datetime], runs: int, found: tuple[int, int]
) -> None:
    assert fires.judge(AT, fired, runs) == found


def test_the_table_shows_each_window_and_the_sum() -> None:
    window = Window("Pacific/Chatham", START, START, timedelta(minutes=-45))
    rows = [fires.Row(window, "database's", ("30 * * * *",), 40, missed, 2) for missed in (0, 1)]
    text = fires.table(rows).splitlines()
    assert text[0] == "Each row: 30 * * * *"
    assert text[2].split() == ["Pacific/Chatham", "2026-03-28", "13:00", "-0:45", "database's", "40", "0", "2"]
    assert text[-1].split() == ["together", "80", "1", "4"]
