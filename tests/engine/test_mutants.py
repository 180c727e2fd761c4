"""The tests would notice: with a guard taken out (see mutants.py), the test that is named for it fails by an assertion."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .mutants import MUTANTS, Cut, damaged

HERE = Path(__file__).resolve().parent
ON_POSTGRESQL = os.environ.get("DATABASE_URL", "").startswith("postgres")
HERE_TOO = {name: mutant for name, mutant in MUTANTS.items() if ON_POSTGRESQL or not mutant.postgres}
ASSERTED = ("assert", "AssertionError", "Failed: DID NOT RAISE")  # how the report of a failure begins
Outcomes = Mapping[str, Sequence[str]]  # a test's name → what it failed with, a text for each of its cases
Runner = Callable[[str | None, list[str]], Outcomes]


@pytest.fixture(scope="session")
def run() -> Iterator[Runner]:
    """`run(mutant, tests)`: a pytest of its own, with a database of its own."""
    folder = Path(tempfile.mkdtemp(prefix="rm-"))
    environment = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "project.settings.test", "ROUNDSMAN_TEST_DIR": str(folder),
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }  # fmt: skip
    for name in ("PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE"):  # what one process compiles, the next need not
        environment.pop(name, None)
    if ON_POSTGRESQL:
        environment["DATABASE_STATEMENT_TIMEOUT"] = "60"  # dropping a whole database is a statement, too
        environment["DATABASE_URL"] = f"{os.environ['DATABASE_URL']}_mutants_{os.getpid()}"
    with (folder / "log").open("w") as log, subprocess.Popen(
        [sys.executable, "-m", "tests.engine.mutant_runner"], cwd=HERE.parents[1], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout

        def ask(mutant: str | None, tests: list[str]) -> Outcomes:
            report = folder / "report.xml"
            report.unlink(missing_ok=True)
            request = {"mutant": mutant, "tests": [str(HERE / test) for test in tests], "report": str(report)}
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            code = process.stdout.readline().strip()
            assert report.exists() and code in ("0", "1"), (folder / "log").read_text()[-3000:]
            return outcomes(report)

        yield ask
        process.stdin.close()
    shutil.rmtree(folder, ignore_errors=True)


def outcomes(report: Path) -> dict[str, list[str]]:
    """Read JUnit's XML. A case that passed has no text; what broke before the test began is told as "error"."""
    found: dict[str, list[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        texts = found.setdefault(str(case.get("name")).split("[")[0], [])
        assert case.find("skipped") is None, f"{case.get('name')} was skipped"
        texts += [failure.get("message") or "failed" for failure in case.findall("failure")]
        texts += [f"error: {error.get('message')}" for error in case.findall("error")]
    return found


@pytest.fixture(scope="session")
def undamaged(run: Runner) -> Outcomes:
    return run(None, sorted({mutant.test for mutant in HERE_TOO.values()}))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.postgres if mutant.postgres else pytest.mark.anywhere)
        for name, mutant in MUTANTS.items()
    ],
)
def test_a_guard_taken_out_is_noticed_by_its_test(name: str, run: Runner, undamaged: Outcomes) -> None:
    test = MUTANTS[name].test
    called = test.split("::")[1]
    assert undamaged[called] == [], "it fails without any damage"
    told = run(name, [test])[called]
    assert told and all(text.startswith(ASSERTED) for text in told), f"{called} did not notice: {told}"


def test_a_mutant_whose_guard_has_moved_is_told() -> None:
    with pytest.raises(LookupError, match="0 times 'guarded'"):
        damaged("nothing", [Cut("m", "guarded", "")])
    with pytest.raises(LookupError, match="2 times 'guard'"):
        damaged("guard guard", [Cut("m", "guard", "")])
    assert damaged("a guarded line", [Cut("m", "guarded ", "")]) == "a line"
