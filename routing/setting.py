"""How one search goes about it. Apart from `search`, so that who only asks for a search need not load the solver (27 MB)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """One parameter set. `penalty` is what one tenth of a second late costs at first, in feet; the search adapts it."""

    name: str = "default"
    history_length: int = 300
    num_neighbours: int = 50
    penalty: float = 1.0
