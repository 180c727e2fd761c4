"""What the sets name exists, and what is ours is measured by the rules of all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks.peers.configs import CONFIGS
from benchmarks.peers.ours import OURS
from benchmarks.peers.places import HERE
from benchmarks.peers.sets import EVERY, SETS


def test_no_configuration_of_ours_takes_a_peers_name() -> None:
    assert not set(CONFIGS) & set(OURS)


@pytest.mark.parametrize("name", sorted(OURS))
def test_ours_runs_the_real_worker_command(name: str) -> None:
    command = list(OURS[name].cmd)
    assert command[:3] == ["python", "{root}/manage.py", "rqworker"]


@pytest.mark.parametrize("name", sorted({config.adapter for config in (CONFIGS | OURS).values()}))
def test_an_adapter_has_what_the_client_calls(name: str) -> None:
    tree = ast.parse((HERE / "adapters" / f"{name}_.py").read_text())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert {"enqueue", "enqueue_bulk"} <= functions


def test_every_configuration_of_a_set_exists() -> None:
    assert {name for names in SETS.values() for name in names} <= set(EVERY)


def test_production_knows_no_measured_job() -> None:
    settings = Path(HERE.parents[1], "project", "settings", "base.py").read_text()
    assert "benchmarks" not in settings
