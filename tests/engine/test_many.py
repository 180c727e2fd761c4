"""`enqueue_many` stores what it is given, whatever the texts hold, and every other column as a single enqueue would."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queues import registry
from queues.contract import Actor
from queues.models import Run

from .conftest import QUEUE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues_exist")]
AWKWARD = ["a\tb", "a\nb", "a\rb", "back\\slash", "\\N", "\\.", '{"a": 1}', "'", "%s %", "ü€😀", " ", ""]
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


class Note(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    text: str
    more: list[str] = []


@pytest.fixture
def notes(fake_window: Any) -> Any:
    yield registry.spec("tests.notes", queue=QUEUE, params=Note)
    registry.forget("tests.notes")


def stored(refs: Any) -> list[Any]:
    rows = {run.id: run.parameters for run in Run.objects.filter(id__in=[ref.id for ref in refs])}
    return [rows[ref.id] for ref in refs]


def test_awkward_texts_are_stored_as_they_are(notes) -> None:
    many = [Note(text=text, more=[text, "x"]) for text in AWKWARD]
    assert stored(notes.enqueue_many(many)) == [note.model_dump() for note in many]


def test_long_parameters_among_short_ones_are_stored_as_they_are(notes) -> None:
    many = [Note(text="short"), Note(text="long\n\\" * 1000), Note(text="short again")]
    assert stored(notes.enqueue_many(many)) == [note.model_dump() for note in many]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.builds(Note, text=TEXT, more=st.lists(TEXT, max_size=3)), min_size=1, max_size=5))
def test_any_text_is_stored_as_it_is(notes, many) -> None:
    assert stored(notes.enqueue_many(many)) == [note.model_dump() for note in many]


def test_the_other_columns_are_those_of_a_single_enqueue(notes) -> None:
    options = {
        "actor": Actor(label="O'Hara\t\\", source="api", request_id="r-1"),
        "priority": 3,
        "concurrency_key": "a\\b",
    }
    (one,) = Run.objects.filter(id=notes.enqueue(Note(text="x"), **options).id).values()
    (many,) = Run.objects.filter(id=notes.enqueue_many([Note(text="x")], **options)[0].id).values()
    differ = {name for name in one if one[name] != many[name]}
    assert differ <= {"id", "created_at", "due_at"}
