"""Tables and charts say what the rows say, and the page is made from the results that are kept."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from benchmarks import page
from benchmarks.charts import CHARTS, Bar, chart, drawn
from benchmarks.rows import Rows, read
from benchmarks.tables import COLUMNS, number, table

SVG = "{http://www.w3.org/2000/svg}"
ROWS = Rows(
    [
        {"test": "drain", "config": "huey w4", "round": 0, "jobs_s": 100.0, "missing": 0},
        {"test": "drain", "config": "roundsman", "round": 0, "jobs_s": 250.0, "missing": 0},
        {"test": "drain", "config": "rq Worker", "round": 0, "error": "no"},
    ]
)


def test_a_table_shows_each_configuration_once_with_its_ratio() -> None:
    lines = table(ROWS, "drain").splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| huey w4", "| **roundsman**", "| rq Worker"]
    assert "| 2.5 |" in lines[3]
    assert "failed" in lines[4]


def test_a_table_of_nothing_is_empty() -> None:
    assert table(ROWS, "bulk") == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.0, "0"), (12345.6, "12,346"), (123.4, "123"), (1.234, "1.23"), (0.01234, "0.0123")],
)
def test_a_number_is_shown_to_three_digits(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_the_longest_bar_is_the_largest_value() -> None:
    svg = ElementTree.fromstring(drawn("a & b", [Bar("one", 10.0, "ours"), Bar("two", 5.0, "peer")]))
    one, two = (float(bar.attrib["width"]) for bar in svg.iter(f"{SVG}rect"))
    assert one == pytest.approx(2 * two, rel=0.01)


def test_the_best_stands_first_also_where_less_is_better() -> None:
    rows = Rows(
        [{"test": "single", "config": name, "round": 0, "p50": ms} for name, ms in (("slow", 9.0), ("fast", 1.0))]
    )
    wanted = next(each for each in CHARTS if each.name == "single")
    texts = [text.text for text in ElementTree.fromstring(chart(rows, wanted)).iter(f"{SVG}text")]
    assert texts.index("fast") < texts.index("slow")


def test_a_chart_reads_on_a_dark_page_too() -> None:
    assert "prefers-color-scheme: dark" in drawn("title", [Bar("one", 1.0, "ours")])


def test_a_block_is_made_anew_and_the_prose_stays() -> None:
    text = "Before.\n<!-- made: drain -->\nold\n<!-- end -->\nAfter.\n"
    filled = page.filled(text, ROWS)
    assert filled.startswith("Before.\n") and filled.endswith("After.\n")
    assert "old" not in filled and "**roundsman**" in filled
    assert page.filled(filled, ROWS) == filled


def test_every_block_of_the_page_is_one_that_is_made() -> None:
    names = [match["name"] for match in page.BLOCK.finditer(page.PAGE.read_text())]
    charts = {f"chart-{wanted.name}" for wanted in CHARTS} | {"chart-depth"}
    assert set(names) <= {*COLUMNS, "depth", "targets", "machine", *charts}
    assert "targets" in names


@pytest.mark.skipif(not page.RESULTS.exists(), reason="no results are kept yet")
def test_the_page_and_its_charts_are_made_from_the_kept_results() -> None:
    rows = Rows(read(page.RESULTS))
    text = page.PAGE.read_text()
    assert page.filled(text, rows) == text
    for name, svg in page.images(rows).items():
        assert (page.IMAGES / name).read_text() == svg
