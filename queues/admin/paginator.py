"""Lists that may hold millions of rows: nobody counts further than they would page."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db.models import QuerySet

LIMIT = 10_000
if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
else:
    AnyPaginator = Paginator


def capped_count(rows: QuerySet[Any], limit: int = LIMIT) -> int:
    """How many rows there are, at most `limit`."""
    return rows.order_by()[:limit].count()


def count_text(number: int, limit: int = LIMIT) -> str:
    return f"{limit:,}+" if number >= limit else f"{number:,}"


class CappedPaginator(AnyPaginator):
    """Counts to `LIMIT` at most; what is older is found by filters and search."""

    @cached_property
    def count(self) -> int:  # type: ignore[override]
        rows: Any = self.object_list
        return capped_count(rows) if isinstance(rows, QuerySet) else len(rows)
