"""GET /api/v1/runs: runs by state, queue, job, definition, schedule, key, time and text, in pages."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import pages, run_examples, run_items
from queues.api.endpoint import Endpoint
from queues.api.openapi import problems
from queues.api.run_query import ORDERS, RunsQuery, first, rows
from queues.models import Run
from queues.policy import Action

TAGS = ["Runs"]


class Runs(Endpoint):
    needs = {"GET": Action.READ}

    @extend_schema(
        operation_id="list_runs",
        summary="Runs by state, queue, job, definition, schedule, key, time or text",
        description=(
            "Newest first, of the queues that you may read. `next` is the path of the next page, also in the header "
            "Link; a page begins behind the last run of the one before, so that runs which are added meanwhile move "
            "nothing. There is no total: nobody counts a million rows for it."
        ),
        tags=TAGS,
        parameters=[RunsQuery],
        responses={
            200: OpenApiResponse(run_items.RunsPage, description="One page."),
            **problems(401, 403, 404, 422),
        },
        examples=[run_examples.PAGE],
    )
    def get(self, request: Request) -> Response:
        asked = pages.asked_of(RunsQuery, request)
        names = pages.wanted_of(run_items.RunItem, asked) or run_items.USUAL
        order = ORDERS[asked["order"]]

        def top(found: QuerySet[Run], limit: int) -> QuerySet[Run]:
            return run_items.narrowed(first(asked, request.user, found, order, limit), names)

        page = pages.page_of(request, rows(asked, request.user), asked, order, first=top)
        told = [run_items.told(run, names) for run in page.rows]
        return pages.answer(page, run_items.RunItem, told, {"fields": ",".join(names)})
