"""django-redis on the pools of settings.REDIS: one cache a purpose; a Redis that is away is a cache miss."""

from __future__ import annotations

import logging
from typing import Any

import redis
from django.conf import settings
from django_redis.cache import RedisCache
from django_redis.client import DefaultClient
from django_redis.serializers.json import JSONSerializer

from queues.engine.connections import connection

log = logging.getLogger("roundsman.cache")


class NotJson(TypeError):
    """JSON cannot hold this value."""


class Json(JSONSerializer):  # type: ignore[misc]
    """Raises NotJson."""

    def dumps(self, value: Any) -> bytes:
        try:
            told: bytes = super().dumps(value)
        except TypeError as error:
            raise NotJson(str(error)) from None
        return told


class PurposeClient(DefaultClient):  # type: ignore[misc]
    """Asks for the purpose's client each time, instead of making one of its own and keeping it."""

    def connect(self, index: int = 0) -> redis.Redis:
        return connection(self._server[0])

    def get_client(self, write: bool = True, tried: list[int] | None = None) -> redis.Redis:
        return self.connect()

    def get_client_with_index(self, write: bool = True, tried: list[int] | None = None) -> tuple[redis.Redis, int]:
        return self.connect(), 0


class PurposeCache(RedisCache):  # type: ignore[misc]
    """LOCATION is a purpose of settings.REDIS (session, cache). JSON is enough for what is kept; no pickle."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        if server not in settings.REDIS:
            raise ValueError(f"The cache's LOCATION must be one of {', '.join(settings.REDIS)}, not {server!r}.")
        options = {
            "CLIENT_CLASS": "project.cache.PurposeClient",
            "SERIALIZER": "project.cache.Json",
            "IGNORE_EXCEPTIONS": True,
            "LOG_IGNORED_EXCEPTIONS": False,
        }
        super().__init__(server, {**params, "OPTIONS": {**options, **params.get("OPTIONS", {})}})

    def set(self, *args: Any, **kwargs: Any) -> bool:
        """What JSON cannot hold (a library's own objects) is not kept, and so is worked out again. Nothing of ours is."""
        try:
            return bool(super().set(*args, **kwargs))
        except NotJson as error:
            log.debug("Not cached: %s", error)
            return False
