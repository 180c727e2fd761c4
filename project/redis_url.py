"""REDIS_URL → connection options. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured

EXAMPLE = "Example: REDIS_URL=redis://redis.example.org:6379/0 or redis+sentinel://s1:26379,s2:26379/mymaster/0"
PURPOSES = ("queue", "session", "cache", "metrics")  # separate pools, so that one cannot starve another


def options(url: str, *, pool_size: int, pooled: bool = True) -> dict[str, Any]:
    """Keyword arguments of one purpose's client: `url`, or `sentinels` and `service`. Raises ImproperlyConfigured."""
    common: dict[str, Any] = {
        "socket_timeout": 5.0,
        "socket_connect_timeout": 10.0,
        "socket_keepalive": True,
        "health_check_interval": 30,
        "max_connections": pool_size if pooled else max(pool_size, 1000),
    }
    parts = urlsplit(url)
    if parts.scheme == "unix":
        if not parts.path:
            raise ImproperlyConfigured(
                f"REDIS_URL names no socket. Example: REDIS_URL=unix:///run/redis/redis.sock?db=0. {EXAMPLE}"
            )
        return {"url": url, **{name: value for name, value in common.items() if name != "socket_keepalive"}}
    if parts.scheme in ("redis", "rediss"):
        _port(parts)
        if not parts.hostname:
            raise ImproperlyConfigured(f"REDIS_URL names no host. {EXAMPLE}")
        if parts.scheme == "rediss":
            return {"url": url, **common, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
        return {"url": url, **common}
    if parts.scheme in ("redis+sentinel", "rediss+sentinel"):
        return {**common, **_sentinel(url)}
    raise ImproperlyConfigured(f"REDIS_URL begins with {parts.scheme or 'nothing'}://, which is not known. {EXAMPLE}")


def _sentinel(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    service, _, db = parts.path.strip("/").partition("/")
    sentinels = []
    for host in hosts.split(","):
        name, _, port = host.rpartition(":")
        if not name or not port.isdigit():
            raise ImproperlyConfigured(f"REDIS_URL: {host!r} is not host:port. {EXAMPLE}")
        sentinels.append((name, int(port)))
    if not service or (db and not db.isdigit()):
        raise ImproperlyConfigured(f"REDIS_URL names no sentinel service, or a database that is no number. {EXAMPLE}")
    answer: dict[str, Any] = {
        "sentinels": sentinels,
        "service": service,
        "db": int(db or 0),
        "sentinel_kwargs": {"socket_timeout": 1.0},
    }
    if credentials:
        user, _, password = credentials.partition(":")
        answer |= {"password": unquote(password)} | ({"username": unquote(user)} if user else {})
    if parts.scheme == "rediss+sentinel":
        answer |= {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
    return answer


def with_database(url: str, number: int | None) -> str:
    """The same server, another database: caches live apart from the queues. None, and Sentinel URLs: as it is."""
    if number is None:
        return url
    parts = urlsplit(url)
    if parts.scheme == "unix":
        query = dict(parse_qsl(parts.query)) | {"db": str(number)}
        return f"unix://{parts.path}?{urlencode(query)}"
    if parts.scheme in ("redis", "rediss"):
        return urlunsplit(parts._replace(path=f"/{number}"))
    return url


def _port(parts: Any) -> None:
    try:
        _ = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"REDIS_URL's port is not a number. {EXAMPLE}") from None
