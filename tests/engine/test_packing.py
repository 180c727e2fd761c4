"""Long parameters are stored compressed and come back letter by letter; those stored before stay readable."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from queues.contract import Actor, RunRequest
from queues.ledger import requests
from queues.models import Run
from queues.packing import LONG, pack, unpack

TEXTS = st.text(st.characters(codec="utf-8"), max_size=300).flatmap(
    lambda part: st.integers(1, 40).map(lambda times: part * times)
)


@given(TEXTS)
@example("é" * 600)
@example("x" * LONG)
def test_a_packed_text_comes_back_letter_by_letter_and_is_smaller(text: str) -> None:
    packed = pack(text)
    if packed is not None:
        assert unpack(packed) == unpack(memoryview(packed)) == text
        assert len(packed) < len(text.encode())
    assert (packed is None) or len(text.encode()) > LONG


@given(st.binary(min_size=LONG, max_size=3 * LONG))
def test_what_does_not_get_smaller_stays_as_it_is(noise: bytes) -> None:
    text = noise.hex()
    packed = pack(text)
    assert packed is None or len(packed) < len(text)


def test_what_is_short_is_not_packed_and_what_is_long_is() -> None:
    assert pack("a" * LONG) is None and pack("a" * (LONG + 1)) is not None
    assert pack("é" * (LONG // 2)) is None and pack("é" * (LONG // 2 + 1)) is not None


@pytest.mark.parametrize("data", [b"", b"{}", pack("a" * 2000)[:-4], b"x" + pack("a" * 2000)])  # type: ignore[index,operator]
def test_what_is_no_packed_text_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(ValueError, match="no packed parameters"):
        unpack(data)


def row(job: Any, params: dict[str, Any]) -> dict[str, Any]:
    return requests.new_row(RunRequest(job=job.name, params=params, actor=Actor.system()))


@pytest.mark.django_db
@pytest.mark.parametrize("length", [10, 5000])
def test_a_run_tells_its_parameters_however_they_are_stored(job: Any, length: int) -> None:
    declared = job(lambda ctx, params: None)
    params = {"n": 1, "text": "Müll " * length}
    made = Run(**row(declared, params))
    made.save()
    kept = Run.objects.get(pk=made.pk)
    assert kept.parameters == params
    assert (kept.packed is not None) is (length == 5000)
    assert kept.params == ({} if length == 5000 else params)


@pytest.mark.django_db
def test_long_parameters_stored_before_there_was_packing_are_readable(job: Any) -> None:
    declared = job(lambda ctx, params: None)
    old = Run(**{**row(declared, {}), "params": {"text": "a" * 5000}, "packed": None})
    old.save()
    assert Run.objects.get(pk=old.pk).parameters == {"text": "a" * 5000}


@pytest.mark.django_db
def test_packed_parameters_take_less_room(job: Any) -> None:
    declared = job(lambda ctx, params: None)
    params = {"stops": [{"name": f"Stop {n}", "load": n} for n in range(200)]}
    made = row(declared, params)
    assert len(made["packed"]) * 3 < len(json.dumps(params))
