"""What `manage.py validate` finds, and what it makes of the figures it reads. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["ok", "warning", "fault"]
Area = Literal["configuration", "connections", "limits", "queues"]

LEAST_REDIS, LEAST_POSTGRESQL = (7, 0), 14
CLOSE = 0.8  # of a limit: no longer comfortable
USUAL_POOL = (5, 25)


@dataclass(frozen=True)
class Finding:
    """`about` is what was looked at, `mend` what to do about it ("" where there is nothing to do)."""

    area: Area
    about: str
    level: Level
    text: str
    mend: str = ""


@dataclass(frozen=True)
class Processes:
    """Who connects: the slots of each worker process, and how many web processes there are."""

    worker_slots: tuple[int, ...]
    webs: int = 1


def redis_limits(told: Mapping[str, Any], who: Processes, most: int) -> Iterator[Finding]:
    """From Redis' INFO; `most` connections of each purpose and process."""
    version = str(told.get("valkey_version") or told.get("redis_version") or "0")
    what = "Valkey" if told.get("valkey_version") else "Redis"
    if _numbers(str(told.get("redis_version", version))) < LEAST_REDIS:
        yield _limit("redis version", "fault", f"{what} {version} is too old.", "Install Redis or Valkey 7.0 or newer.")
    else:
        yield _limit("redis version", "ok", f"{what} {version}")
    policy, memory = str(told.get("maxmemory_policy", "noeviction")), int(told.get("maxmemory", 0))
    if memory and policy.startswith("allkeys"):
        yield _limit(
            "redis memory", "warning",
            f"maxmemory-policy is {policy}: when memory is full, Redis throws out what waits to be run. (The ledger has it "
            "all the same; it is offered again.)",
            "Set maxmemory-policy to noeviction, or to volatile-lru, which throws out sessions and caches alone.",
        )  # fmt: skip
    else:
        yield _limit("redis memory", "ok", f"maxmemory-policy {policy}, maxmemory {memory or 'unlimited'}")
    yield from _pool(most)
    allowed = int(told.get("maxclients", 0))
    if allowed:
        needed = (4 * most + 2) * (len(who.worker_slots) + who.webs)
        yield _room(
            "redis connections", needed, allowed, f"maxclients {allowed}",
            "Raise maxclients in Redis' configuration, or lower REDIS_POOL_MAX_CONNECTIONS.",
        )  # fmt: skip


def postgresql_limits(version: int, allowed: int, who: Processes, most: int, engine_threads: int) -> Iterator[Finding]:
    """`version` as PostgreSQL counts (160004); `allowed` connections without the superusers' own; `most` a process."""
    if version // 10000 < LEAST_POSTGRESQL:
        text = f"PostgreSQL {version // 10000} is too old."
        yield _limit("database version", "fault", text, f"Install PostgreSQL {LEAST_POSTGRESQL} or newer.")
    else:
        yield _limit("database version", "ok", f"PostgreSQL {version // 10000}.{version % 10000}")
    workers = sum(max(most, slots + engine_threads) for slots in who.worker_slots)
    yield _room(
        "database connections", workers + who.webs * most + 2, allowed, f"max_connections {allowed}",
        "Raise max_connections in postgresql.conf, or lower DATABASE_POOL_MAX, WORKER_CONCURRENCY or the number of workers.",
    )  # fmt: skip


def _room(about: str, needed: int, allowed: int, what: str, mend: str) -> Finding:
    text = f"{needed} connections may be asked for at most, of {what}."
    if needed > allowed:
        return _limit(about, "fault", text, mend)
    return _limit(
        about, "warning" if needed > CLOSE * allowed else "ok", text, mend if needed > CLOSE * allowed else ""
    )


def _pool(most: int) -> Iterator[Finding]:
    low, high = USUAL_POOL
    if not low <= most <= high:
        yield _limit(
            "redis pool",
            "warning",
            f"REDIS_POOL_MAX_CONNECTIONS is {most}.",
            f"Between {low} and {high} is what is needed.",
        )


def _limit(about: str, level: Level, text: str, mend: str = "") -> Finding:
    return Finding("limits", about, level, text, mend)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
