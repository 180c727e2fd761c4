"""What is taken is of the type that the schema says: the framework and the declarations would take more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import jsonschema
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from queues.api.json_types import dumped
from queues.errors import InvalidParams
from queues.models import JobDefinition, Run
from queues.registry import JobSpec

JOBS = "/api/v1/queue/jobs"


class Stop(pydantic.BaseModel):
    load: int = 1
    open: bool = False


class Everything(pydantic.BaseModel):
    count: int = 0
    share: float = 0.0
    dry: bool = False
    name: str = ""
    price: Decimal = Decimal(0)
    since: datetime | None = None
    stops: list[Stop] = []


SPEC = JobSpec("tests.everything", title="Everything", queue="reports", params=Everything)
SCALARS = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from([0.5, 2.0]) | st.sampled_from(["", "5", "no"])
)
VALIDATOR = jsonschema.Draft202012Validator(Everything.model_json_schema())


@given(st.dictionaries(st.sampled_from(["count", "share", "dry", "name"]), SCALARS))
def test_parameters_are_taken_where_the_schema_takes_them_and_only_there(asked: dict[str, Any]) -> None:
    try:
        dumped(SPEC, asked)
        taken = True
    except InvalidParams:
        taken = False
    assert taken is VALIDATOR.is_valid(asked)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"stops": [{"load": 1}, {"load": False}]}, "stops.1.load"),
        ({"stops": [{"open": 0}]}, "stops.0.open"),
        ({"since": 0}, "since"),
        ({"count": "5"}, "count"),
    ],
)
def test_a_value_of_another_type_is_told_by_its_path(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidParams) as caught:
        dumped(SPEC, asked)
    assert [(error.field, error.code) for error in caught.value.errors] == [(field, "wrong_type")]


@pytest.mark.parametrize("price", [5, 5.5, "5.50", "1E+2"])
def test_an_amount_may_be_a_number_or_a_text(price: Any) -> None:
    dumped(SPEC, {"price": price, "since": "2026-11-23T05:30:00Z"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"job": "tests.weigh", "params": {"tons": True}}, "params.tons", "wrong_type"),
        ({"job": "tests.weigh", "params": {"tons": 3}, "why": 5}, "why", "wrong_type"),
        ({"job": "tests.weigh", "params": {"tons": 3}, "fresh": "no"}, "fresh", "wrong_type"),
        ({"job": "tests.weigh", "params": {"tons": 3}, "why": " " * 301}, "why", "max_length"),
        ({"job": "tests.weigh", "params": {"tons": 3}, "priority": "5"}, "priority", "wrong_type"),
    ],
)
def test_a_request_with_a_value_of_another_type_is_422(
    as_: Callable[[str], APIClient], jobs: Any, body: dict[str, Any], field: str, code: str
) -> None:
    answer = as_("admin").post(JOBS, body, format="json")
    assert (answer.status_code, [(e["field"], e["code"]) for e in answer.json()["errors"]]) == (422, [(field, code)])
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_a_query_string_is_all_texts_and_is_read_as_what_it_means(as_: Callable[[str], APIClient], people: Any) -> None:
    answer = as_("admin").get("/api/v1/definitions", {"enabled": "true", "limit": "5"})
    assert answer.status_code == 200


@pytest.mark.django_db
def test_an_invalid_body_is_told_before_a_stale_tag(as_: Callable[[str], APIClient], people: Any) -> None:
    """RFC 9110, 13.2.1: a precondition counts where the request would have been done without it."""
    row = JobDefinition.objects.create(name="Count", job="queues.clean_history", params={})
    for url in (f"/api/v1/definitions/{row.pk}", "/api/v1/queues/billing"):
        for headers in ({"If-Match": '"old"'}, {}):
            answer = as_("admin").patch(url, {"enabled": "perhaps"}, format="json", headers=headers)
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "enabled")
        assert as_("admin").patch(url, {}, format="json", headers={"If-Match": '"old"'}).status_code == 412
