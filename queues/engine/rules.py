"""How a worker process is to behave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from queues.engine.adaptive import Limits
from queues.engine.children import ChildRules
from queues.engine.tend import Tick
from queues.engine.writer import Observer


@dataclass
class Rules:
    """Seconds; `slots` is this process's own number of threads."""

    queues: Sequence[str]
    slots: int = 3
    lease_s: float = 5.0
    heartbeat_s: float = 1.0
    grace_s: float = 30.0
    burst: bool = False
    max_jobs: int | None = None
    max_idle_s: float | None = None
    children: ChildRules = field(default_factory=ChildRules)
    ticks: Sequence[Tick] = ()
    observers: Sequence[Observer] = ()
    adaptive: Limits = field(default_factory=Limits)
    on_beat: Callable[[], None] = field(default=lambda: None)
