"""The file that keeps who is signed in where: in the user's own folder, readable by nobody else."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..tokens import Tokens

try:
    import fcntl
except ImportError:  # Windows: two commands that renew at the same moment may end the sign-in
    fcntl = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Kept:
    """Either a key or tokens."""

    url: str
    api_key: str = ""
    tokens: Tokens | None = None


def usual_folder() -> Path:
    """ROUNDSMAN_CONFIG_DIR, or the system's place for such files (on Linux $XDG_CONFIG_HOME/roundsman)."""
    return Path(os.environ.get("ROUNDSMAN_CONFIG_DIR") or click.get_app_dir("roundsman"))


class Keeper:
    """The file. One that cannot be read counts as none."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or usual_folder()
        self.path = self.folder / "session.json"
        self._mutex, self._held = threading.RLock(), 0

    def read(self) -> Kept | None:
        try:
            told: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
            tokens = told.get("tokens")
            return Kept(str(told["url"]), str(told.get("api_key", "")), Tokens(**tokens) if tokens else None)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, kept: Kept) -> None:
        """All of it or nothing, and never for a moment readable by others. Raises OSError."""
        tokens = kept.tokens and {**kept.tokens.__dict__}
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".session-")  # of mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"url": kept.url, "api_key": kept.api_key, "tokens": tokens}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Against threads, and against other commands of the same user."""
        with self._mutex:
            if self._held or fcntl is None:
                yield
                return
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.folder / "session.lock", os.O_CREAT | os.O_RDWR, 0o600)
            self._held += 1
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                self._held -= 1
                os.close(handle)


class KeptTokens:
    """The Store of a client for one address. Somebody may sign in elsewhere meanwhile: what the file holds then is
    neither sent to this address nor written over."""

    def __init__(self, keeper: Keeper, url: str) -> None:
        self._keeper, self._url = keeper, url

    def load(self) -> Tokens | None:
        kept = self._keeper.read()
        return kept.tokens if kept is not None and kept.url == self._url else None

    def save(self, tokens: Tokens | None) -> None:
        kept = self._keeper.read()
        if kept is None or kept.url != self._url:
            return
        if tokens is None:
            self._keeper.forget()
        else:
            self._keeper.write(Kept(self._url, tokens=tokens))

    def lock(self) -> AbstractContextManager[None]:
        return self._keeper.lock()
