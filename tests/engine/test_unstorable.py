"""What a database cannot hold is told or replaced; it never stops the writer."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest
from django.db import DataError

from queues import registry
from queues.engine.writer import Writer
from queues.errors import InvalidParams
from queues.ledger import runs
from queues.ledger.facts import Ending, Finished
from queues.models import Run, Slot

from .test_ledger import claimed, ending, made, noop  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues_exist")]


class Letter(pydantic.BaseModel):
    text: str = ""
    lines: list[str] = []


@pytest.mark.parametrize("text", ["a\0b", "half \ud800 a pair", "\\u0000 as letters", "whole \U0001f69a pair"])
def test_an_ending_is_kept_whatever_its_text(noop: Any, text: str) -> None:  # noqa: F811
    (claim,) = claimed(made(noop))
    told = ending(claim, "dead", result={"text": text}, error_message=text, error_detail=text, note=text)
    assert len(runs.finish([told])) == 1
    kept = Run.objects.get(pk=claim.id)
    storable = text.replace("\0", "\u2400").replace("\ud800", "?")
    assert (kept.error_message, kept.result) == (storable, {"text": storable})


def test_a_parameter_with_a_nul_is_refused_at_its_field() -> None:
    letter = registry.spec("tests.letter", queue="reports", params=Letter)
    try:
        with pytest.raises(InvalidParams) as told:
            letter.enqueue(Letter(text="fine", lines=["fine", "a\0b"]))
    finally:
        registry.forget("tests.letter")
    assert [(e.field, e.code) for e in told.value.errors] == [("lines.1", "nul")]


def test_a_refused_ending_does_not_hold_up_the_others(noop: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """The database refuses one ending of a batch: that one becomes a failure that says so, the others are recorded."""
    claims = claimed(made(noop, 3))
    whole = runs.finish

    def refusing(endings: list[Ending], **told: Any) -> list[Finished]:
        if any(e.claim.id == claims[1].id and e.error_code != "unrecordable" for e in endings):
            raise DataError("value out of range")
        return whole(endings, **told)

    monkeypatch.setattr(runs, "finish", refusing)
    kept = Writer()._finish([ending(claim) for claim in claims], [claims[0].token])
    assert sorted(done.state for done in kept) == ["dead", "succeeded", "succeeded"]
    assert "value out of range" in Run.objects.get(pk=claims[1].id).error_message
    assert not Slot.objects.exists()
