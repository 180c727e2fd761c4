"""The reader of collection-day files: what it reads, and how it says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from routing.errors import InstanceUnreadable
from routing.instances import Instance, load, parse

KIM_335 = Path(__file__).parents[2] / "routing" / "data" / "kim2006" / "335_stop.txt"
HEAD = "280.0 // capacity\n400\t// daily\n500 // stops\n3600 // lunch\n40// speed: MPH\nStop_ID X Y ...\n"
ROWS = "7 0 0 0400 1500 0 9999.00 0\n9 5280 0 0 2400 1600 9999 2\n12 0 5280.5 0730 2400 180 12.5 1\n"


def test_a_real_day_is_read_whole() -> None:
    day = load(KIM_335)
    assert (day.capacity_yd, day.daily_load_yd, day.daily_stops, day.lunch_s, day.speed_mph) == (
        243,
        400,
        500,
        3600,
        40,
    )
    assert (len(day.stops), len(day.disposals), day.depot.id) == (330, 4, 0)
    assert (day.depot.open_s, day.depot.close_s) == (6 * 3600, 15 * 3600)


def test_ids_need_not_start_at_nought_and_numbers_may_stick_to_remarks() -> None:
    day = parse(HEAD + ROWS)
    assert [node.id for node in day.nodes] == [7, 9, 12]
    assert day.by_id[12].open_s == 7 * 3600 + 30 * 60
    assert day.by_id[12].load_yd == 12.5
    assert day.speed_mph == 40
    assert day.miles(day.depot, day.by_id[9]) == 1
    assert day.travel_s(day.depot, day.by_id[9]) == 90


@pytest.mark.parametrize("end", ["\r\n", "\r", "\t\t\n", "   \r\n"])
def test_line_ends_and_trailing_tabs_do_not_matter(end: str) -> None:
    assert parse((HEAD + ROWS).replace("\n", end).replace(" ", "\t")).nodes == parse(HEAD + ROWS).nodes


def test_blank_lines_and_remarks_between_the_rows_do_not_matter() -> None:
    assert parse(HEAD + "// north\n" + ROWS.replace("\n", "\n\n") + "# end\n").nodes == parse(HEAD + ROWS).nodes


def test_bytes_with_marks_and_accents_are_read() -> None:
    data = b"\xef\xbb\xbf" + (HEAD.replace("capacity", "capacit\xe9") + ROWS).encode("latin-1")
    assert len(parse(data).nodes) == 3


def test_an_instance_survives_json() -> None:
    day = parse(HEAD + ROWS)
    assert Instance.from_dict(day.as_dict()) == day


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "empty"),
        ("280\n400\n", 3, "stops a vehicle may serve"),
        (HEAD.replace("280.0", "much") + ROWS, 1, "capacity in yards"),
        (HEAD.replace("40//", "-3//") + ROWS, 5, "miles an hour"),
        (HEAD.replace("40//", "nan//") + ROWS, 5, "miles an hour"),
        (HEAD, 7, "rows of nodes"),
        (HEAD + ROWS + "13 0 0 0700\n", 10, "eight columns"),
        (HEAD + ROWS + "13 0 zero 0700 2400 1 1 1\n", 10, "y in feet"),
        (HEAD + ROWS + "13 0 0 0700 2400 1 -1 1\n", 10, "load in yards"),
        (HEAD + ROWS + "13 0 0 0700 2400 1 1 5\n", 10, "kind"),
        (HEAD + ROWS + "13.5 0 0 0700 2400 1 1 1\n", 10, "id"),
        ("\x89PNG\x00\x00", 1, "binary"),
    ],
)
def test_a_broken_file_is_refused_with_its_line_and_what_was_expected(text: str, line: int, said: str) -> None:
    with pytest.raises(InstanceUnreadable) as caught:
        parse(text, name="monday.txt")
    assert caught.value.line == line
    assert said in str(caught.value)
    assert f"monday.txt, line {line}" in str(caught.value)
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (ROWS.replace("9999.00 0", "9999.00 1"), "one depot"),
        (ROWS + "1 0 0 0 2400 0 0 0\n", "one depot"),
        (ROWS.replace("9999 2", "9 1"), "disposal site"),
        (ROWS.replace("12.5 1", "12.5 2"), "one stop"),
        (ROWS + "12 0 0 0 2400 0 1 1\n", "id 12"),
    ],
)
def test_a_day_without_its_parts_is_refused(rows: str, said: str) -> None:
    with pytest.raises(InstanceUnreadable, match=said):
        parse(HEAD + rows)


def test_a_missing_file_and_a_folder_are_refused_with_their_path(tmp_path: Path) -> None:
    with pytest.raises(InstanceUnreadable, match=r"nowhere\.txt.*cannot be opened"):
        load(tmp_path / "nowhere.txt")
    with pytest.raises(InstanceUnreadable, match="cannot be opened"):
        load(tmp_path)
