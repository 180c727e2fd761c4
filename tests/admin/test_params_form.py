"""A handler's parameters as a form: each kind of value there and back, errors beside their field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django import forms

from queues import registry
from queues.admin import params_form
from queues.registry import JobSpec


@pytest.fixture
def spec() -> JobSpec[Any]:
    return registry.get("tests.admin_plan")


def bound(spec: JobSpec[Any], partial: bool = False, base: dict[str, Any] | None = None, **values: Any) -> Any:
    form = params_form.with_params(forms.Form, spec, partial=partial)(
        {f"param_{name}": value for name, value in values.items()}
    )
    if base:
        form.base = base
    return form


def test_every_kind_of_value_goes_there_and_back(spec: JobSpec[Any]) -> None:
    form = bound(
        spec, day="2026-11-24", depot="MAIN", time_limit_s="20", seed="7", fuel_usd="1.80", overtime="on", objective="time",
        mood="rushed", vehicles="3\n\n 5 \n", stops='[{"name": "a", "load": 2}]',
    )  # fmt: skip
    assert form.is_valid(), form.errors
    params = spec.validate(form.params)
    assert params.day == date(2026, 11, 24) and params.time_limit_s == 20 and params.seed == 7
    assert params.fuel_usd == Decimal("1.80") and params.overtime is True and params.objective == "time"
    assert params.mood.value == "rushed" and params.vehicles == [3, 5] and params.stops[0].load == 2
    shown = params_form.initial(spec.params, form.stored_params())
    assert shown["param_day"] == date(2026, 11, 24) and shown["param_vehicles"] == [3, 5]
    again = params_form.with_params(forms.Form, spec)(initial=shown).as_p()
    assert 'value="2026-11-24"' in again and "3\n5" in again and "&quot;load&quot;: 2" in again


def test_empty_fields_take_the_declared_defaults(spec: JobSpec[Any]) -> None:
    form = bound(spec, day="2026-11-24", depot="MAIN")
    assert form.is_valid(), form.errors
    stored = form.stored_params()
    assert (
        stored["time_limit_s"] == 30
        and stored["seed"] is None
        and stored["objective"] == "distance"
        and stored["vehicles"] == []
    )


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("time_limit_s", "0", "greater than or equal to 1"),
        ("time_limit_s", "soon", "whole number"),
        ("day", "", "required"),
        ("day", "next week", "valid date"),
        ("depot", "M", "at least 2 characters"),
        ("fuel_usd", "cheap", "number"),
        ("objective", "beauty", "not one of the available choices"),
        ("vehicles", "3\nfive", "item 2"),
        ("vehicles", "[3, 5", "not JSON"),
        ("stops", '[{"name": "a", "load": -1}]', "item 1, load"),
        ("stops", "a lot", "not JSON"),
    ],
)
def test_a_wrong_value_is_told_beside_its_field(spec: JobSpec[Any], name: str, value: str, told: str) -> None:
    form = bound(spec, **{"day": "2026-11-24", "depot": "MAIN", name: value})
    assert not form.is_valid()
    assert list(form.errors) == [f"param_{name}"]
    assert told in str(form.errors[f"param_{name}"])


def test_the_help_text_tells_description_limits_and_default(spec: JobSpec[Any]) -> None:
    fields = params_form.fields(spec.params)
    assert fields["param_day"].help_text == "The day to plan."
    assert fields["param_time_limit_s"].help_text == "From 1 to 300. Default: 30."
    assert fields["param_time_limit_s"].label == "Time limit, seconds"
    assert "One a line" in fields["param_vehicles"].help_text and "As JSON" in fields["param_stops"].help_text


def test_a_partial_form_keeps_what_is_left_empty(spec: JobSpec[Any]) -> None:
    base = {"day": "2026-11-24", "depot": "MAIN", "overtime": True}
    form = bound(spec, partial=True, base=base, time_limit_s="5", overtime="false")
    assert form.is_valid(), form.errors
    assert form.stored_params() == {"time_limit_s": 5, "overtime": False}


def test_a_partial_form_is_checked_together_with_what_it_overrides(spec: JobSpec[Any]) -> None:
    form = bound(spec, partial=True, base={"day": "2026-11-24", "depot": "MAIN"}, time_limit_s="900")
    assert not form.is_valid() and "param_time_limit_s" in form.errors
