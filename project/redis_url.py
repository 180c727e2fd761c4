"""REDIS_URL → connection options, one set a purpose. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured

EXAMPLE = "Example: REDIS_URL=redis://redis.example.org:6379/0 or redis+sentinel://s1:26379,s2:26379/mymaster/0"
TLS_SCHEMES = ("rediss", "rediss+sentinel")
QUERY = frozenset({"db", "username", "password", "protocol"})  # what a URL may say after its "?"
KEEPALIVE_S = 30
SENTINEL_S = 1.0


@dataclass(frozen=True)
class Waits:
    """Seconds a purpose waits at most: for an answer, for a connection to be made, for a free one of its pool."""

    command_s: float = 5.0
    connect_s: float = 10.0
    free_s: float = 1.0


# Separate pools, so that one cannot starve another. What stands on a request's path gives up before the request must be
# answered (2 s); metrics have a thread of their own.
PURPOSES: Mapping[str, Waits] = {
    "queue": Waits(1.5, 1.5),
    "session": Waits(1.5, 1.5),
    "cache": Waits(1.5, 1.5),
    "metrics": Waits(),
}


@dataclass(frozen=True)
class Pool:
    """Connections of one purpose and process: kept ready, and at most."""

    least: int = 5
    most: int = 20


@dataclass(frozen=True)
class Tls:
    """Files in PEM form: who may have signed the server's certificate ("": as the system says), and our own."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


def options(
    url: str, *, pool: Pool | None = None, waits: Waits | None = None, tls: Tls | None = None
) -> dict[str, Any]:
    """What `queues.engine.connections` makes a client of: `url`, or `sentinels` and `service`; then options of the pool
    and of each connection. Raises ImproperlyConfigured.

    TLS always verifies the server's certificate and its host name; a URL that asks for less is refused.
    """
    pool, waits, tls = pool or Pool(), waits or Waits(), tls or Tls()
    parts = urlsplit(url)
    common: dict[str, Any] = {
        "socket_timeout": waits.command_s,
        "socket_connect_timeout": waits.connect_s,
        "health_check_interval": KEEPALIVE_S,  # one that was idle for so long is asked before it is used
        "max_connections": pool.most,
        "least": min(pool.least, pool.most),
        "free_s": waits.free_s,
    }
    if parts.scheme in TLS_SCHEMES:
        common |= _tls(tls)
    if parts.scheme in ("redis+sentinel", "rediss+sentinel"):
        return {**common, "socket_keepalive": True, **_sentinel(parts, tls)}
    _refuse_strange(parts)
    if parts.scheme == "unix":
        if not parts.path:
            raise ImproperlyConfigured(
                f"REDIS_URL names no socket. Example: REDIS_URL=unix:///run/redis/redis.sock?db=0. {EXAMPLE}"
            )
        return {"url": url, **common}
    if parts.scheme in ("redis", "rediss"):
        _require_port(parts)
        if not parts.hostname:
            raise ImproperlyConfigured(f"REDIS_URL names no host. {EXAMPLE}")
        return {"url": url, **common, "socket_keepalive": True}
    raise ImproperlyConfigured(f"REDIS_URL begins with {parts.scheme or 'nothing'}://, which is not known. {EXAMPLE}")


def with_database(url: str, number: int | None) -> str:
    """The same server, another database: caches live apart from the queues, for a cache may be flushed. None: as it is."""
    if number is None:
        return url
    parts = urlsplit(url)
    if parts.scheme == "unix":
        query = dict(parse_qsl(parts.query)) | {"db": str(number)}
        return f"unix://{parts.path}?{urlencode(query)}"
    if parts.scheme in ("redis", "rediss"):
        query = {name: value for name, value in parse_qsl(parts.query) if name != "db"}  # it would go above the path
        return urlunsplit(parts._replace(path=f"/{number}", query=urlencode(query)))
    if parts.scheme in ("redis+sentinel", "rediss+sentinel"):
        return urlunsplit(parts._replace(path=f"/{parts.path.strip('/').partition('/')[0]}/{number}"))
    return url


def _tls(tls: Tls) -> dict[str, Any]:
    """Verified, always; options of redis.SSLConnection."""
    files = {"ssl_ca_certs": tls.ca_file, "ssl_certfile": tls.cert_file, "ssl_keyfile": tls.key_file}
    found = {name: path for name, path in files.items() if path}
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, **found}


def _sentinel(parts: SplitResult, tls: Tls) -> dict[str, Any]:
    credentials, _, hosts = parts.netloc.rpartition("@")
    service, _, db = parts.path.strip("/").partition("/")
    if parts.query:
        raise ImproperlyConfigured(f"REDIS_URL: a Sentinel's URL takes nothing after a '?'. {EXAMPLE}")
    sentinels = []
    for host in hosts.split(","):
        name, _, port = host.rpartition(":")
        if not name or not port.isdigit():
            raise ImproperlyConfigured(f"REDIS_URL: {host!r} is not host:port. {EXAMPLE}")
        sentinels.append((name, int(port)))
    if not service or (db and not db.isdigit()):
        raise ImproperlyConfigured(f"REDIS_URL names no sentinel service, or a database that is no number. {EXAMPLE}")
    secure = parts.scheme == "rediss+sentinel"
    watchers: dict[str, Any] = {"socket_timeout": SENTINEL_S, "socket_connect_timeout": SENTINEL_S}
    answer: dict[str, Any] = {
        "sentinels": sentinels,
        "service": service,
        "db": int(db or 0),
        "sentinel_kwargs": {**watchers, "ssl": True, **_tls(tls)} if secure else watchers,
    }
    if credentials:
        user, _, password = credentials.partition(":")
        answer |= {"password": unquote(password)} | ({"username": unquote(user)} if user else {})
    return answer | ({"ssl": True} if secure else {})


def _refuse_strange(parts: SplitResult) -> None:
    """redis-py lets a URL's query go above everything: `?ssl_check_hostname=false` would switch the verification off."""
    strange = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if name not in QUERY]
    if not strange:
        return
    tls = " TLS verifies certificates and host names, always: for an authority of your own set REDIS_CA_FILE."
    raise ImproperlyConfigured(
        f"REDIS_URL: {', '.join(strange)} cannot be set in it; it takes {', '.join(sorted(QUERY))} alone."
        f"{tls if any(name.startswith('ssl') for name in strange) else ''} {EXAMPLE}"
    )


def _require_port(parts: SplitResult) -> None:
    try:
        _ = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"REDIS_URL's port is not a number. {EXAMPLE}") from None
