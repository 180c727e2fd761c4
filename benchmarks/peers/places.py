"""Where everything of a measurement is: folders, virtual environments, ports, and what its processes are told."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = Path(os.environ.get("PB_WORK") or Path(tempfile.gettempdir()) / "roundsman-bench")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
VENV_HOME = Path(os.environ.get("PB_VENVS") or CACHE / "roundsman-peers")
VENVS = {
    "main": VENV_HOME / "v-main",
    "arq": VENV_HOME / "v-arq",
    "roundsman": Path(os.environ.get("PB_VENV_ROUNDSMAN") or ROOT / ".venv"),
}

_base = int(os.environ.get("PB_PORT_BASE", "16402"))
REDIS_PORTS = {"mem": _base, "aof": _base + 1}  # without and with an append-only file
PG_PORT = _base + 2
WEB_PORT = _base + 3
PG_DSN = f"postgresql://postgres@127.0.0.1:{PG_PORT}/pb"

OURS = "roundsman"  # our database; its pristine copy is OURS_TEMPLATE
OURS_TEMPLATE = "roundsman_empty"
VALKEY_SOCKET = WORK / "valkey.sock"
REDIS_URLS = {name: f"redis://127.0.0.1:{port}/0" for name, port in REDIS_PORTS.items()} | {
    "valkey": f"unix://{VALKEY_SOCKET}"
}
SQLITE, SQLITE_TEMPLATE = WORK / "roundsman.sqlite3", WORK / "roundsman-empty.sqlite3"
DATABASE_URLS = {
    "postgres": f"postgres://postgres@127.0.0.1:{PG_PORT}/{OURS}",
    "sqlite": f"sqlite:///{SQLITE}",
}
REC = WORK / "rec.bin"


def environment(extra: Mapping[str, object] | None = None, redis: str = "mem") -> dict[str, str]:
    """The environment of clients and workers. `redis`: the name of the server they use."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    ours = ("QUEUE_", "WORKER_", "DATABASE_", "REDIS_", "PB_")
    kept = {name: value for name, value in os.environ.items() if name not in dropped and not name.startswith(ours)}
    made = {
        "PYTHONPATH": f"{HERE}{os.pathsep}{ROOT}",
        "PYTHONPYCACHEPREFIX": str(WORK / "pyc"),
        "PB_REDIS_URL": REDIS_URLS[redis if redis in REDIS_PORTS else "mem"],
        "PB_PG_DSN": PG_DSN,
        "PB_REC": str(REC),
        "DJANGO_SETTINGS_MODULE": "adapters.dj_settings",
        "DATA_DIR": str(WORK / "data"),
        "DATABASE_URL": DATABASE_URLS["postgres"],
        "REDIS_URL": REDIS_URLS[redis],
    }
    return kept | made | {name: str(value) for name, value in (extra or {}).items()}
