"""Pages of the runs' list, by the strands in which an index has them: a queue or a job may be as rare as it likes.

Whoever walks the ids until a page is full reads the whole table where few runs fit (see queues.ledger.strands).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.admin.views.main import SEARCH_VAR
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest

from queues import catalogue
from queues.admin import access
from queues.admin.paginator import CappedPaginator
from queues.engine.bulk_count import names_of
from queues.ledger.strands import First
from queues.models import Run


class RunsPaginator(CappedPaginator):
    """`strands`: where to look, as `First.by_state` takes it; None: an index has the runs in their order anyway."""

    def __init__(self, rows: QuerySet[Run], *args: Any, strands: Mapping[str, Any] | None) -> None:
        super().__init__(rows, *args)
        self.rows, self.strands = rows, strands

    def page(self, number: Any) -> Page[Any]:
        """Two statements: which runs, then their columns."""
        order = self.rows.query.order_by[0]  # what is behind a unique one says nothing
        if self.strands is None or order not in ("-id", "id"):
            return super().page(number)
        number = self.validate_number(number)
        bottom = (number - 1) * self.per_page
        first = First(self.rows, order, bottom + self.per_page)
        found = first.of(first.by_state(**self.strands)).order_by(order)
        ids = list(found.values_list("pk", flat=True)[bottom:])
        return Page(self.rows.filter(pk__in=ids), number, self)


def strands(request: HttpRequest) -> dict[str, Any] | None:
    """Where the runs are that the filters in the URL leave. They may leave fewer yet: this is where to look, no more.

    A search reads what it must, and a definition's runs have an index of their own.
    """
    asked, readable = request.GET, access.readable_queues(request.user)
    narrow = any(asked.get(name) for name in ("state", "queue", "job")) or len(readable) < len(catalogue.NAMES)
    if not narrow or asked.get(SEARCH_VAR) or asked.get("definition"):
        return None
    return {
        "states": [asked["state"]] if asked.get("state") else Run.State.values,
        "queues": [asked["queue"]] if asked.get("queue") else readable,
        "jobs": names_of(asked["job"]) if asked.get("job") else None,
    }
