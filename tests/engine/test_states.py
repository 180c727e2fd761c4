"""The states' table, its picture, and the rule that nobody else writes them."""

import re
from pathlib import Path

import pytest

from queues.errors import WrongState
from queues.ledger import outbox_states, states
from queues.models import OutboundCall, Run

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_and_the_model_know_the_same_states() -> None:
    assert set(states.MAY_FOLLOW) == states.LIVE | states.FINISHED == set(Run.State.values)
    assert {after for row in states.MAY_FOLLOW.values() for after in row} <= set(states.MAY_FOLLOW)


@pytest.mark.parametrize(("picture", "table"), enumerate([states.MAY_FOLLOW, outbox_states.MAY_FOLLOW]))
def test_the_pictures_in_the_documentation_are_the_tables(picture: int, table: dict[str, frozenset[str]]) -> None:
    pictures = re.findall(r"^```mermaid\n(.*?)^```", (ROOT / "docs/states.md").read_text(), re.MULTILINE | re.DOTALL)
    drawn = set(re.findall(r"^\s+(\w+) --> (\w+)", pictures[picture], re.MULTILINE))
    assert drawn == {(before, after) for before, row in table.items() for after in row} and len(pictures) == 2


def test_a_step_that_is_not_in_the_table_is_refused() -> None:
    states.require("pending", "running")
    with pytest.raises(WrongState):
        states.require("succeeded", "running")


def test_the_outboxs_table_knows_its_models_states_and_closed_ones_stay_closed() -> None:
    table = outbox_states.MAY_FOLLOW
    assert set(table) == outbox_states.OPEN | outbox_states.CLOSED == set(OutboundCall.State.values)
    assert all(not table[state] for state in outbox_states.CLOSED)


@pytest.mark.parametrize("after", outbox_states.MAY_FOLLOW)
@pytest.mark.parametrize("before", outbox_states.MAY_FOLLOW)
def test_every_step_of_a_call_is_allowed_or_refused_as_the_table_says(before: str, after: str) -> None:
    if after in outbox_states.MAY_FOLLOW[before]:
        outbox_states.require(before, after)
    else:
        with pytest.raises(WrongState, match=f"{before} cannot become {after}"):
            outbox_states.require(before, after)


def test_only_the_outbox_writes_a_calls_state() -> None:
    writers = re.compile(
        r"\b(call|row)\.state\s*=[^=]|OutboundCall\.objects\.(create|bulk_create|.*\.update\()|OutboundCall\("
    )
    guilty = [
        f"{path.name}: {line.strip()}"
        for path in (ROOT / "queues").rglob("*.py")
        if path.parts[-2:] != ("ledger", "outbox.py") and not {"migrations", "models"} & set(path.parts)
        for line in path.read_text().splitlines()
        if writers.search(line)
    ]
    assert not guilty


def test_only_the_ledger_writes_a_runs_state() -> None:
    guilty = []
    for path in (ROOT / "queues").rglob("*.py"):
        if "ledger" in path.parts or "migrations" in path.parts or "models" in path.parts:
            continue
        for line in path.read_text().splitlines():
            if re.search(r"\brun\w*\.state\s*=[^=]", line) or re.search(r"\.update\([^)]*\bstate=", line):
                guilty.append(f"{path.name}: {line.strip()}")
    assert not guilty
