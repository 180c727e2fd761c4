"""How errors are judged: read, written and taken back, by admins. One service does each."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from queues.api import error_rule_serializers as bodies
from queues.api import pages, shapes
from queues.api.actor import actor_of
from queues.api.endpoint import Endpoint
from queues.api.openapi import problems
from queues.ledger import clock, error_rules
from queues.ledger.error_counts import Lately, Times, lately
from queues.ledger.error_defaults import SHIPPED
from queues.ledger.error_table import Key
from queues.models import ErrorRule
from queues.policy import Action

TAGS = ["Steering"]
WRITTEN = OpenApiExample(
    "Too many requests at the store",
    value={"error_type": "StoreBusy", "error_code": "429", "permanent": False, "why": "It passes within minutes"},
    request_only=True,
)


class ErrorRules(Endpoint):
    needs = {"GET": Action.ADMINISTER, "PUT": Action.ADMINISTER, "DELETE": Action.ADMINISTER}

    @extend_schema(
        operation_id="read_error_rules",
        summary="How errors are judged, and how often lately",
        description=(
            "By type and code: transient errors are tried again, permanent ones make a dead letter at once. What staff "
            "wrote comes first in the list and is in force over everything else that is known of the error."
        ),
        tags=TAGS,
        responses={200: bodies.ErrorRulesAnswer, **problems(401, 403)},
    )
    def get(self, request: Request) -> Response:
        now = clock.now()
        return Response(bodies.ErrorRulesAnswer({"at": now, **_all(lately(now))}).data)

    @extend_schema(
        operation_id="write_error_rule",
        summary="Say how an error is judged",
        description="Adds the rule, or changes the one there is. Every worker goes by it within five seconds.",
        tags=TAGS,
        request=bodies.ErrorRuleRequest,
        responses={
            200: OpenApiResponse(bodies.ErrorRuleAnswer, description="Changed, or as it was."),
            201: OpenApiResponse(bodies.ErrorRuleAnswer, description="Added."),
            **problems(400, 401, 403, 413, 415, 422),
        },
        examples=[WRITTEN],
    )
    def put(self, request: Request) -> Response:
        given = shapes.given(bodies.ErrorRuleRequest, request.data)
        rule, new = error_rules.save_rule(**given, actor=actor_of(request))
        return Response(bodies.ErrorRuleAnswer(_of_staff(rule)).data, status=201 if new else 200)

    @extend_schema(
        operation_id="delete_error_rule",
        summary="Take back what staff said of an error",
        description="What the error says of itself, or the shipped rule, is in force again within five seconds.",
        tags=TAGS,
        parameters=[bodies.ErrorRuleName],
        responses={204: None, **problems(401, 403, 404, 422)},
    )
    def delete(self, request: Request) -> Response:
        given = pages.asked_of(bodies.ErrorRuleName, request)
        key = given["error_type"], given["error_code"]
        try:
            rule = ErrorRule.objects.get(error_type=key[0], error_code=key[1])
            error_rules.delete_rule(rule, actor=actor_of(request), why=given["why"])
        except ErrorRule.DoesNotExist:
            raise NotFound(_missing(key), "unknown_rule") from None
        return Response(status=204)


def _missing(key: Key) -> str:
    name = " ".join(part for part in key if part)
    shipped = " The rule for it is shipped: write one of your own to change it." if key in SHIPPED else ""
    return f"Staff wrote no rule for {name}.{shipped}"


def _of_staff(rule: ErrorRule) -> dict[str, Any]:
    shipped = SHIPPED.get((rule.error_type, rule.error_code))
    return {
        **{name: getattr(rule, name) for name in ("error_type", "error_code", "permanent", "note")},
        "origin": "staff",
        "shipped_permanent": shipped.permanent if shipped else None,
        "updated_at": rule.updated_at,
        "version": rule.version,
    }


def _all(counted: Lately) -> dict[str, Any]:
    """Staff's rules first; then the shipped ones that they left in force."""
    rows = list(ErrorRule.objects.all())
    table = error_rules.read()
    times = counted.by_rule(table)
    told = [_of_staff(row) for row in rows]
    told += [
        {
            "error_type": kind, "error_code": code, "permanent": rule.permanent, "origin": "shipped",
            "shipped_permanent": rule.permanent, "note": rule.note, "updated_at": None, "version": None,
        }
        for (kind, code), rule in sorted(SHIPPED.items())
        if (kind, code) not in table.staff
    ]  # fmt: skip
    return {
        "counted_whole": counted.whole,
        "rules": [row | _figures(times.get((row["error_type"], row["error_code"]))) for row in told],
        "without_rule": [
            {"error_type": kind, "error_code": code, **_figures(found)}
            for (kind, code), found in sorted(counted.without_rule(table).items())
        ],
    }


def _figures(times: Times | None) -> dict[str, int]:
    found = times or Times()
    return {"retried_24h": found.retried, "dead_24h": found.dead}
