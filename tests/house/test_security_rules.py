"""The rules of .semgrep: none is dead. `.ci/security` runs them, and `semgrep --test` holds them against the cases."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULES = {
    path.stem: re.findall(r"^  - id: (\S+)$", path.read_text(), re.MULTILINE)
    for path in sorted((ROOT / ".semgrep/rules").glob("*.yml"))
}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_a_case_that_it_finds_and_one_that_it_leaves(name: str) -> None:
    cases = next((ROOT / ".semgrep/tests").glob(f"{name}.*")).read_text()
    found = {kind: set(re.findall(rf"\b{kind}: ([\w-]+)", cases)) for kind in ("ruleid", "ok")}
    assert RULES[name] and found["ruleid"] == set(RULES[name])
    assert found["ok"] <= set(RULES[name])


def test_every_answer_to_a_finding_names_the_rule_and_says_why() -> None:
    answered = re.compile(r"# (nosec|nosemgrep)(.*)")
    good = re.compile(r"sec (B\d{3} ?)+# .{4,}|semgrep: [\w-]+ \(.{4,}\)")
    for folder in ("project", "queues", "routing", "clients", ".ci"):
        for path in (ROOT / folder).rglob("*.py"):
            for line in path.read_text().splitlines():
                if found := answered.search(line):
                    assert good.search(found[0]), f"{path.relative_to(ROOT)}: {line.strip()}"


def test_what_the_security_page_points_to_is_there() -> None:
    page = (ROOT / "docs/explanation/security.md").read_text()
    named = re.findall(r"`((?:tests|project|queues|\.semgrep|\.ci)/[\w/.]+)`", page)
    assert len(named) > 20 and [each for each in named if not (ROOT / each).exists()] == []
