"""What a chaos run has recorded, as the pure judges see it. Times are seconds since 1970 by the database's clock."""

from __future__ import annotations

from dataclasses import dataclass, field

STILL = float("inf")  # not closed yet


@dataclass(frozen=True, slots=True)
class Hold:
    """A run held under a token. `ended`: what the run became when the lease was cleared; `xid` of that transaction."""

    run: str
    token: str
    worker: str
    queue: str
    key: str  # the concurrency key, or ""
    opened: float
    closed: float = STILL
    ended: str = ""
    xid: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """A slot of a queue, from its insert to its delete."""

    token: str
    queue: str
    worker: str
    opened: float
    closed: float = STILL


@dataclass(frozen=True, slots=True)
class Done:
    """A row of the domain's table, which has no unique constraint. `at`: when its transaction committed.

    `token`: the lease under which a handler's own transaction wrote it; "" where the ledger wrote it together with the
    run's ending (then `xid` is that ending's transaction, and `state` what the run was in there).
    """

    key: str
    run: str
    token: str
    at: float
    xid: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """A run as the ledger holds it at the end. `key`: its business key, which its effect bears."""

    id: str
    key: str
    job: str
    state: str
    attempt: int = 1
    crashes: int = 0
    error_code: str = ""
    error_message: str = ""


@dataclass(frozen=True, slots=True)
class Strike:
    """A process was killed or stopped. `name` is its worker's name in the ledger."""

    kind: str
    at: float
    name: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A server was away: for everybody, or for one client behind the proxy ("worker-2")."""

    server: str
    began: float
    ended: float
    client: str = ""


@dataclass
class Record:
    """Everything read from the database after a run. `workers`: id → name; `orders`: keys with a business row."""

    runs: list[Ran] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    workers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Journal:
    """What the client wrote down by itself. `acknowledged`: key → run id after `.enqueue` had returned;
    `void`: keys of transactions that it rolled back; `in_order`: keys asked for together with a business row."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    void: frozenset[str] = frozenset()
    in_order: frozenset[str] = frozenset()
