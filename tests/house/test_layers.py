"""The import contract holds, covers every folder, and finds a breach."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]


def contract() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def listed(section: str, name: str) -> set[str]:
    return set(contract()[section][name].split())


def test_every_package_of_the_house_is_under_the_contract() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"benchmarks", "tests"}
    assert packages == listed("importlinter", "root_packages")
    assert packages == listed("importlinter:contract:house", "layers") - {"|"}


def test_every_domain_has_its_floors_and_sees_only_the_contract() -> None:
    domains = listed("importlinter", "root_packages") - {"project", "queues", "integrations"}
    assert listed("importlinter:contract:domain", "containers") == domains
    rooms = {(domain, part) for domain in domains for part in ("jobs", "jobspecs")}
    assert {f"{domain}.{part}" for domain, part in rooms if (ROOT / domain / f"{part}.py").exists()} <= listed(
        "importlinter:contract:registry", "allowed_importers"
    )


def test_the_contract_is_kept() -> None:
    ran = subprocess.run(LINT, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-3000:]


@pytest.mark.parametrize(
    ("where", "line", "broken"),
    [
        ("queues/ledger/clock.py", "import queues.engine.dispatch", "The engine's floors"),
        ("queues/engine/retry.py", "import routing.models", "The house"),
        ("routing/errors.py", "import queues.models", "Domains see the engine's contract"),
        ("queues/ledger/audit.py", "import rq", "RQ is touched in five places"),
        ("queues/errors.py", "import queues.newcomer", "The engine's floors"),
    ],
)
def test_a_planted_breach_is_found(where: str, line: str, broken: str, tmp_path: Path) -> None:
    for package in listed("importlinter", "root_packages"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "static", "data")
        )
    shutil.copy(ROOT / ".importlinter", tmp_path)
    (tmp_path / "queues/newcomer.py").write_text("")
    if "newcomer" not in line:
        (tmp_path / "queues/newcomer.py").unlink()
    path = tmp_path / where
    path.write_text(path.read_text() + f"\n{line}\n")
    ran = subprocess.run(LINT, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode != 0
    assert any(broken in text and "BROKEN" in text for text in ran.stdout.splitlines()) or "newcomer" in ran.stdout, (
        ran.stdout
    )
