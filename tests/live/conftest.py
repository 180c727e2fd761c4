"""One stand for all tests of this folder: see `stand`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .stand import Stand


@pytest.fixture(scope="session")
def stand() -> Iterator[Stand]:
    folder = Path(tempfile.mkdtemp(prefix="rl-"))
    with Stand(folder, workers=["route-optimization", "maintenance"]) as made:
        yield made
    shutil.rmtree(folder, ignore_errors=True)
