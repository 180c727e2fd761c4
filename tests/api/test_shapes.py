"""Serializers made once say the same as those made anew, also of what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework import serializers

from queues.api import shapes
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
