from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from project import bootstrap

ROOT = Path(__file__).resolve().parents[2]


def test_an_old_python_is_refused_in_words() -> None:
    with pytest.raises(bootstrap.CannotStart, match=r"needs Python 3\.11 or newer; this is 3\.9"):
        bootstrap.check_python((3, 9))
    bootstrap.check_python((3, 13))


def test_the_stamp_follows_the_files_contents(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("django==5.2")
    before = bootstrap.stamp([file])
    assert bootstrap.stamp([file]) == before
    file.write_text("django==5.3")
    assert bootstrap.stamp([file]) != before


def test_the_development_environment_serves_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    assert not bootstrap.is_installed(dev=False)
    (tmp_path / ".installed-dev").write_text(bootstrap.stamp(bootstrap.requirements(True)))
    assert bootstrap.is_installed(dev=False) and bootstrap.is_installed(dev=True)
    (tmp_path / ".installed-dev").unlink()
    (tmp_path / ".installed-runtime").write_text(bootstrap.stamp(bootstrap.requirements(False)))
    assert bootstrap.is_installed(dev=False) and not bootstrap.is_installed(dev=True)


def test_bootstrap_imports_nothing_beyond_the_standard_library() -> None:
    code = "import sys; sys.path.insert(0, '.'); import project.bootstrap; print(sorted(m for m in sys.modules if m in ('django', 'environ', 'redis')))"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]", ran.stderr


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("DATABASE_URL", "mysql://x", "DATABASE_URL"),
        ("REDIS_URL", "http://x", "REDIS_URL"),
        ("WORKER_CONCURRENCY", "many", "WORKER_CONCURRENCY=5|WORKER_CONCURRENCY"),
    ],
)
def test_a_wrong_setting_stops_the_start_without_a_traceback(variable: str, value: str, told: str) -> None:
    import os

    environment = {**os.environ, variable: value}
    ran = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 2
    assert variable in ran.stderr and "Example" in ran.stderr and "Traceback" not in ran.stderr


def test_requirements_are_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            assert line.startswith(("#", "-r")) or "==" in line, line
