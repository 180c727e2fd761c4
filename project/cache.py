"""django-redis on the pools of settings.REDIS: one cache a purpose; a Redis that is away is a cache miss."""

from __future__ import annotations

import logging
from typing import Any

import redis
from django.conf import settings
from django_redis.cache import RedisCache
from django_redis.client import DefaultClient

from queues.engine.broker import connection

log = logging.getLogger("roundsman.cache")


class PurposeClient(DefaultClient):  # type: ignore[misc]
    """Takes its connection from the purpose's pool instead of making one of its own."""

    def connect(self, index: int = 0) -> redis.Redis:
        return connection(self._server[0])


class PurposeCache(RedisCache):  # type: ignore[misc]
    """LOCATION is a purpose of settings.REDIS (session, cache). JSON is enough for what is kept; no pickle."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        if server not in settings.REDIS:
            raise ValueError(f"The cache's LOCATION must be one of {', '.join(settings.REDIS)}, not {server!r}.")
        options = {
            "CLIENT_CLASS": "project.cache.PurposeClient",
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "IGNORE_EXCEPTIONS": True,
            "LOG_IGNORED_EXCEPTIONS": False,
        }
        super().__init__(server, {**params, "OPTIONS": {**options, **params.get("OPTIONS", {})}})
