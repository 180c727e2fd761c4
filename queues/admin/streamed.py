"""Long answers that are made piece by piece, under ASGI and WSGI: nobody holds the whole of one in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse


def streamed(request: HttpRequest, pieces: Iterator[str], *, content_type: str, filename: str) -> StreamingHttpResponse:
    """A download of this name, never kept by anybody's cache."""
    content = _awaited(pieces) if isinstance(request, ASGIRequest) else pieces
    answer = StreamingHttpResponse(content, content_type=content_type)  # type: ignore[arg-type]
    answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    answer["Cache-Control"] = "no-store"
    return answer


async def _awaited(pieces: Iterator[str]) -> AsyncIterator[str]:
    """Each piece is made in the request's thread, and its connection given back: the reader may be slow."""

    def piece() -> str | None:
        try:
            return next(pieces, None)
        finally:
            if not connection.in_atomic_block:
                connection.close()

    while (text := await sync_to_async(piece)()) is not None:
        yield text
