"""`python -m benchmarks.reads.plans < facts.json`: how many rows each list of runs reads, by PostgreSQL's own account.

Prints one JSON object: list → rows read and ms that its statement took.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import django


def main() -> None:
    django.setup()
    from benchmarks.reads.lists import LISTS

    facts = json.load(sys.stdin)
    print(json.dumps({name: explained(query.format(**facts["moments"])) for name, query in LISTS.items()}))


def explained(query: str) -> dict[str, float]:
    """The statement of a list's first page, as a run of it."""
    from django.db import connection

    sql, params = _statement(query)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
        (told,) = cursor.fetchone()[0]
    return {"rows": read(told["Plan"]), "ms": round(told["Planning Time"] + told["Execution Time"], 2)}


def read(plan: Mapping[str, Any]) -> int:
    """Rows that a plan's scans have looked at. Pure."""
    loops = plan["Actual Loops"]
    removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    own = (plan["Actual Rows"] + removed) * loops if "Scan" in plan["Node Type"] and _stored(plan) else 0
    return int(own) + sum(read(each) for each in plan.get("Plans", ()))


def _stored(plan: Mapping[str, Any]) -> bool:
    return "Index" in plan["Node Type"] or "Relation Name" in plan


def _statement(query: str) -> tuple[str, Any]:
    from django.contrib.auth.models import User

    from queues.api import run_items, shapes
    from queues.api.fields import Texts
    from queues.api.run_query import ORDERS, RunsQuery, first, rows

    user: Any = User.objects.get(username="measurer")
    asked = shapes.given(RunsQuery, Texts(parse_qsl(query)))  # as the API reads it
    names = run_items.USUAL if "fields" not in asked else tuple(asked["fields"].split(","))
    order, limit = ORDERS[asked["order"]], asked["limit"] + 1
    found = run_items.narrowed(first(asked, user, rows(asked, user), order, limit), names)
    return found.order_by(order)[:limit].query.sql_with_params()


if __name__ == "__main__":
    main()
