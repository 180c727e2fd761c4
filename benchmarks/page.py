"""`python -m benchmarks.page [RESULTS.jsonl]`: puts the tables, charts and figures into docs/explanation/performance.md.

The prose between the marks is a person's; what stands between `<!-- made: NAME -->` and `<!-- end -->` is made anew.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from benchmarks.charts import CHARTS, chart, depth_chart
from benchmarks.figures import figures
from benchmarks.rows import Rows, read
from benchmarks.tables import table
from benchmarks.targets import judged

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "explanation" / "performance.md"
IMAGES = ROOT / "docs" / "images"
RESULTS = ROOT / "benchmarks" / "results" / "full.jsonl"
BLOCK = re.compile(r"(<!-- made: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
NOTHING = "*Not measured yet.*\n"


def main(argv: list[str]) -> int:
    rows = Rows(read(Path(argv[1]) if len(argv) > 1 else RESULTS))
    for name, text in images(rows).items():
        (IMAGES / name).write_text(text)
    PAGE.write_text(filled(PAGE.read_text(), rows))
    (RESULTS.parent / "full.json").write_text(json.dumps(figures(rows), indent=1) + "\n")
    print(f"{PAGE.relative_to(ROOT)} and its charts are made from {sum(1 for _ in rows.all)} rows.")
    return 0


def images(rows: Rows) -> dict[str, str]:
    """File name → SVG, of those that have something to show."""
    made = {f"performance-{wanted.name}.svg": chart(rows, wanted) for wanted in CHARTS}
    made["performance-depth.svg"] = depth_chart(rows)
    return {name: text for name, text in made.items() if text}


def filled(page: str, rows: Rows) -> str:
    """The page with every block made from the rows. Raises KeyError for a name that is no block."""

    def made(match: re.Match[str]) -> str:
        return f"{match[1]}{block(match['name'], rows)}{match[3]}"

    return BLOCK.sub(made, page)


def block(name: str, rows: Rows) -> str:
    """A block's text: "targets", "machine", "chart-…" or the table of a test."""
    if name == "targets":
        return judged(figures(rows)) + "\n"
    if name == "machine":
        return _machine(rows)
    if name.startswith("chart-"):
        image = f"performance-{name.removeprefix('chart-')}.svg"
        titles = {f"performance-{wanted.name}.svg": wanted.title for wanted in CHARTS}
        return (
            f"![{titles.get(image, 'Cost of a job at depth')}](../images/{image})\n"
            if image in images(rows)
            else NOTHING
        )
    return (table(rows, name) or NOTHING.strip()) + "\n"


def _machine(rows: Rows) -> str:
    machines = [row for row in rows.all if row["test"] == "machine"]
    if not machines:
        return NOTHING
    said = machines[-1]
    return "".join(f"- {name}: {said[name]}\n" for name in said.get("shown", []))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
