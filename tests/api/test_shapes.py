"""Serializers made once say the same as those made anew, also of what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from queues.api import shapes
from queues.api.fields import Moment
from queues.api.serializers import JobRequest, Reason


def outcome(kind: Any, data: Any, once: bool) -> Any:
    try:
        if once:
            return dict(shapes.given(kind, data))
        made = kind(data=data)
        made.is_valid(raise_exception=True)
        return dict(made.validated_data)
    except serializers.ValidationError as error:
        return error.get_full_details()


@pytest.mark.parametrize("kind", [JobRequest, Reason])
@pytest.mark.parametrize(
    "data",
    [
        {}, {"why": "so"}, {"why": None}, {"why": "x" * 301}, {"job": "a", "params": {"n": 1}}, {"job": "a", "definition": "b"},
        {"job": ["a"]}, {"prams": {}}, {"job": "a", "priority": "7"}, {"job": "a", "fresh": "perhaps"}, None, [], "text", 7,
    ],
)  # fmt: skip
def test_a_body_is_read_and_refused_as_by_one_made_anew(kind: Any, data: Any) -> None:
    expected = outcome(kind, data, once=False)
    assert outcome(kind, data, once=True) == expected
    assert outcome(kind, data, once=True) == expected


def test_nothing_of_one_body_is_left_for_the_next() -> None:
    assert shapes.given(JobRequest, {"job": "a", "priority": 5, "why": "w"})["priority"] == 5
    assert dict(shapes.given(JobRequest, {"job": "b"})) == {"job": "b"}


# --- what is told ---


class Leaf(serializers.Serializer[Any]):
    name = serializers.CharField()
    at = Moment(allow_null=True)


class Tree(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    best = Leaf(allow_null=True)
    leaves = Leaf(many=True)
    sizes = serializers.ListField(child=serializers.FloatField())
    price = serializers.DecimalField(max_digits=12, decimal_places=2)
    note = serializers.CharField(required=False)


AT = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)
leaves = st.fixed_dictionaries({"name": st.text(), "at": st.none() | st.just(AT)})
trees = st.fixed_dictionaries(
    {
        "id": st.uuids(),
        "best": st.none() | leaves | leaves.map(lambda values: SimpleNamespace(**values)),
        "leaves": st.lists(leaves | leaves.map(lambda values: SimpleNamespace(**values)), max_size=3),
        "sizes": st.lists(st.floats(allow_nan=False), max_size=3),
        "price": st.decimals(0, 999, places=2),
    },
    optional={"note": st.none() | st.text()},
)


@given(trees, st.sets(st.sampled_from(["id", "best", "leaves", "note"]), max_size=2))
def test_what_is_told_is_as_by_one_made_anew(values: dict[str, Any], only: set[str]) -> None:
    whole = dict(Tree(values).data)
    assert shapes.told(Tree, values) == whole
    assert list(shapes.told(Tree, values)) == list(whole)
    assert shapes.told(Tree, values, only) == {n: v for n, v in whole.items() if not only or n in only}


def test_a_value_that_is_missing_is_told_of_as_by_one_made_anew() -> None:
    with pytest.raises(KeyError, match="leaves"):
        shapes.told(Tree, {"id": 1})
