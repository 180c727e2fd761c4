"""The states' table, its picture, and the rule that nobody else writes them."""

import re
from pathlib import Path

import pytest

from queues.errors import WrongState
from queues.ledger import states
from queues.models import Run

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_and_the_model_know_the_same_states() -> None:
    assert set(states.MAY_FOLLOW) == states.LIVE | states.FINISHED == set(Run.State.values)
    assert {after for row in states.MAY_FOLLOW.values() for after in row} <= set(states.MAY_FOLLOW)


def test_the_picture_in_the_documentation_is_the_table() -> None:
    drawn = set(re.findall(r"^\s+(\w+) --> (\w+)", (ROOT / "docs/states.md").read_text(), re.MULTILINE))
    assert drawn == {(before, after) for before, row in states.MAY_FOLLOW.items() for after in row}


def test_a_step_that_is_not_in_the_table_is_refused() -> None:
    states.require("pending", "running")
    with pytest.raises(WrongState):
        states.require("succeeded", "running")


def test_only_the_ledger_writes_a_runs_state() -> None:
    guilty = []
    for path in (ROOT / "queues").rglob("*.py"):
        if "ledger" in path.parts or "migrations" in path.parts or "models" in path.parts:
            continue
        for line in path.read_text().splitlines():
            if re.search(r"\brun\w*\.state\s*=[^=]", line) or re.search(r"\.update\([^)]*\bstate=", line):
                guilty.append(f"{path.name}: {line.strip()}")
    assert not guilty
