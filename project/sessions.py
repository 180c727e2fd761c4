"""Sessions as Django keeps them, in the cache and the database, but by the digest of their key: who reads either can be nobody.

The key itself is in the person's cookie alone. It has 160 random bits, so a plain hash keeps it well.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.sessions.backends.cached_db import SessionStore as CachedStore
from django.contrib.sessions.base_session import AbstractBaseSession

from queues.ledger import clock


def digest(session_key: str) -> str:
    """What a session is kept under: 40 characters, as long as the column."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


class SessionStore(CachedStore):
    """Where Django looks by the key, this looks by its digest."""

    @property
    def cache_key(self) -> str:
        return self.cache_key_prefix + digest(self._get_or_create_session_key())  # type: ignore[attr-defined, no-any-return]

    async def acache_key(self) -> str:
        return self.cache_key_prefix + digest(await self._aget_or_create_session_key())  # type: ignore[attr-defined, no-any-return]

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        found: AbstractBaseSession | None = self._kept().first()
        if found is None:
            self._session_key = None
        return found

    async def _aget_session_from_db(self) -> AbstractBaseSession | None:
        found: AbstractBaseSession | None = await self._kept().afirst()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str | None) -> bool:
        return bool(session_key and super().exists(digest(session_key)))

    async def aexists(self, session_key: str | None) -> bool:
        return bool(session_key and await super().aexists(digest(session_key)))

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(digest(key))

    async def adelete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            await super().adelete(digest(key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        return _by_digest(super().create_model_instance(data))

    async def acreate_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        return _by_digest(await super().acreate_model_instance(data))

    def _kept(self) -> Any:
        return self.model.objects.filter(session_key=digest(self.session_key or ""), expire_date__gt=clock.at_hand())


def _by_digest(session: Any) -> AbstractBaseSession:
    session.session_key = digest(session.session_key)
    made: AbstractBaseSession = session
    return made
