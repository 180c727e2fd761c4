"""The pure pieces of the admin: durations, timelines, sparklines, differences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from queues.admin import audit, show
from queues.admin.runs_timeline import durations, timeline
from queues.admin.sparkline import sparkline
from queues.models import Run, RunEvent

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.34, "340 ms"), (0.9996, "1.0 s"), (4.24, "4.2 s"), (9.97, "10 s"), (59.6, "1 min"), (200, "3 min 20 s"),
        (7500, "2 h 5 min"), (273_600, "3 d 4 h"), (-3, "0 ms"), (None, ""),
    ],
)  # fmt: skip
def test_a_duration_reads_as_people_say_it(seconds: float | None, text: str) -> None:
    assert show.span(seconds) == text


def test_the_timeline_tells_each_hop_and_puts_events_between() -> None:
    run = Run(
        state="dead", created_at=AT, due_at=AT + timedelta(seconds=5), claimed_at=AT + timedelta(seconds=6),
        started_at=AT + timedelta(seconds=7), finished_at=AT + timedelta(seconds=30), attempt=2, actor="ada", source="admin",
    )  # fmt: skip
    event = RunEvent(run=run, at=AT + timedelta(seconds=5.5), kind="retry", attempt=1, note="The store did not answer")
    moments = timeline(run, [event], worker="w-1")
    assert [m.title for m in moments] == [
        "Created",
        "Due",
        "Attempt failed, will retry",
        "Claimed",
        "Started",
        "Finished",
    ]
    assert [m.hop_s for m in moments] == [None, 5.0, 0.5, 0.5, 1.0, 23.0]
    assert moments[3].note == "by w-1" and "ada" in moments[0].note
    assert durations(run, AT) == {"wait": 2.0, "processing": 23.0, "total": 30.0}


def test_a_sparkline_stays_within_its_box_and_carries_no_style() -> None:
    svg = sparkline([0, 50, 200], title="Score <b>", top=100)
    assert "style=" not in svg and "&lt;b&gt;" in svg
    ys = [float(point.split(",")[1]) for point in svg.split('points="')[1].split('"')[0].split()]
    assert ys == [29.0, 16.0, 3.0]
    assert sparkline([1], title="one") == ""


def test_a_difference_names_both_sides_of_every_field() -> None:
    rows = audit.difference({"a": 1, "b": None}, {"a": 2, "c": {"x": 1}})
    assert [(name, before, after, differs) for name, before, after, differs in rows] == [
        ("a", "1", "2", True), ("b", "empty", "", False), ("c", "", '{\n  "x": 1\n}', True),
    ]  # fmt: skip
