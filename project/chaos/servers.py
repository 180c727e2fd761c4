"""The servers of one chaos run, in its temporary folder: on loopback ports that stay the same over kill and start."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

import redis

from project.cannot_start import CannotStart
from project.chaos.facts import Outage
from project.embedded.postgres import EmbeddedPostgres
from project.embedded.valkey import EmbeddedValkey

# Its process may die, its machine not: what was written is in the page cache, so there is no need to wait for the disk.
POSTGRES = ("max_connections=300", "shared_buffers=64MB", "autovacuum_naptime=5s", "log_min_messages=fatal")


class Servers:
    """`database`: "postgres" or "embedded" (SQLite). Redis keeps nothing over a kill beside PostgreSQL; the embedded
    default keeps an append-only file."""

    def __init__(self, folder: Path, database: str) -> None:
        try:
            self.postgres = (
                EmbeddedPostgres(folder / "postgres", fsync=False, settings=POSTGRES)
                if database == "postgres"
                else None
            )
        except RuntimeError as error:
            raise CannotStart(str(error)) from None
        self.redis = EmbeddedValkey(folder / "valkey", persistent=database != "postgres", tcp=True)
        self.database_url = self.postgres.url if self.postgres else f"sqlite:///{folder / 'roundsman.sqlite3'}"
        self.outages: list[Outage] = []
        self._away: dict[str, float] = {}

    def start(self) -> None:
        try:
            if self.postgres:
                self.postgres.start()
            self.redis.start()
        except RuntimeError as error:
            raise CannotStart(str(error)) from None

    def stop(self) -> None:
        if self.postgres:
            self.postgres.stop()
        self.redis.stop()

    def kill(self, server: str) -> None:
        """The immediate end of "redis" or "database"."""
        self._away[server] = time.time()
        if server == "redis":
            self.redis.kill()
        elif self.postgres:
            self.postgres.kill()

    def bring_back(self, server: str) -> None:
        """Start it again, on what it kept."""
        if server == "redis":
            self.redis.start()
        elif self.postgres:
            self.postgres.start()
        self.outages.append(Outage(server, self._away.pop(server), time.time()))

    def is_away(self, server: str) -> bool:
        return server in self._away

    def flush(self) -> bool:
        """FLUSHALL. False if the server is away."""
        client = redis.Redis.from_url(self.redis.url, socket_timeout=2)
        try:
            return bool(client.flushall())
        except (redis.exceptions.RedisError, OSError):
            return False
        finally:
            client.close()


def environment(servers: Servers, folder: Path, lease_s: float, idle_s: float) -> dict[str, str]:
    """What Django needs: production's settings, with secrets and servers of this run alone. `idle_s`: how long a transaction stands open."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("QUEUE_", "WORKER_", "DATABASE_", "REDIS_"))
    }
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "project.settings.base",
        "SECRET_KEY": secrets.token_urlsafe(60),
        "JWT_SIGNING_KEY": secrets.token_urlsafe(60),
        "ENCRYPTION_KEYS": secrets.token_urlsafe(60),
        "METRICS_TOKEN": secrets.token_urlsafe(30),
        "ALLOWED_HOSTS": "127.0.0.1",
        "INSECURE_HTTP": "true",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis.url,
        "DATA_DIR": str(folder),
        "WORKER_LEASE_S": str(lease_s),
        "WORKER_CONCURRENCY": "3",
        "WORKER_GRACE_S": "10",
        "DATABASE_IDLE_IN_TRANSACTION_TIMEOUT": str(idle_s),
        "DATABASE_POOL_MIN": "1",
        "DATABASE_POOL_MAX": "7",
    }
