"""Long parameters reach the handler, the pages and the API as they were given, by every way of asking."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest

from queues import registry
from queues.contract import Done
from queues.models import Queue, Run

from .conftest import QUEUE, state_of, until


class Letter(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    text: str


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("executor", ["threads", "children"])
def test_a_handler_gets_long_parameters_as_they_were_given(working: Any, executor: str) -> None:
    """By one, by many, and within a transaction; short ones beside them."""
    spec = registry.spec("tests.letter", queue=QUEUE, params=Letter)
    spec.handler(lambda ctx, params: Done({"length": len(params.text), "end": params.text[-3:]}))
    texts = ["Müllabfuhr €" * 400 + f"{n:03}" if n % 2 else f"short {n:03}" for n in range(6)]
    try:
        with working(slots=2):
            Queue.objects.filter(name=QUEUE).update(executor=executor)
            refs = [spec.enqueue(Letter(text=text)) for text in texts]
            refs += spec.enqueue_many([Letter(text=text) for text in texts])
            refs.append(spec.enqueue(Letter(text=texts[1]), dedupe_key="one"))
            until(lambda: all(state_of(ref.id) == "succeeded" for ref in refs))
    finally:
        registry.forget("tests.letter")
    for ref, text in zip(refs, [*texts, *texts, texts[1]], strict=True):
        run = Run.objects.get(pk=ref.id)
        assert run.result == {"length": len(text), "end": text[-3:]}
        assert run.parameters == {"text": text}
        assert (run.packed is not None) is (len(text) > 1000)
