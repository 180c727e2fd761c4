"""A handler's parameters as a form: the fields out of the pydantic model, its errors beside them. No database.

`partial` forms hold overrides: an empty field keeps the value it would override.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, ClassVar

import pydantic
from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.utils import timezone
from django.utils.html import escape
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from queues import encryption
from queues.admin import params_fields
from queues.errors import FieldError, InvalidParams, TooLarge
from queues.registry import JobSpec
from queues.sealing import plan_of

PREFIX = "param_"
SHOULD = re.compile(r"^\w+ should ")  # "Input should be greater than 0": the person sees the field, not an input
KEEP = "– as defined –"
SEALED = "Kept encrypted. What is there stays if you leave it as it reads; write over it to change it."
if TYPE_CHECKING:
    FormBase = forms.Form
else:
    FormBase = object


def declared(model: type[pydantic.BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The parameters by the name under which they are given."""
    for name, info in model.model_fields.items():
        yield info.alias or name, info


def fields(model: type[pydantic.BaseModel], *, partial: bool = False) -> dict[str, forms.Field]:
    """The form's fields, by prefixed name, in the order of declaration."""
    schemas = model.model_json_schema().get("properties", {})
    plan = plan_of(model)
    made: dict[str, forms.Field] = {}
    for name, info in declared(model):
        found = params_fields.shape(info.annotation)
        schema = _own_schema(schemas.get(name, {}))
        options: dict[str, Any] = {
            "label": info.title or params_fields.label(name),
            "help_text": _help(info, schema, found, default="" if partial else _default(info)),
            "required": info.is_required() and not partial and not found.optional,
        }
        if plan.get(name) is True:
            options["help_text"] = f"{options['help_text']} {SEALED}".strip()
            made[PREFIX + name] = params_fields.Whole(read_json=found.kind is not str, **options)
            continue
        if partial and (found.choices or found.kind is bool):
            options["blank"] = KEEP
        made[PREFIX + name] = params_fields.build(info.annotation, schema, **options)
    return made


def initial(model: type[pydantic.BaseModel], values: Mapping[str, Any], *, partial: bool = False) -> dict[str, Any]:
    """Stored parameters → what the form shows; the declaration's defaults where nothing is stored (unless partial)."""
    shown: dict[str, Any] = {}
    for name, info in declared(model):
        if name in values:
            value = values[name]
        elif not partial and not info.is_required():
            value = to_jsonable_python(info.get_default(call_default_factory=True), fallback=str)
        else:
            continue
        shown[PREFIX + name] = _moment(params_fields.shape(info.annotation).kind, value)
    return shown


def read(model: type[pydantic.BaseModel], cleaned: Mapping[str, Any], *, partial: bool = False) -> dict[str, Any]:
    """A form's cleaned data → raw values for `spec.validate`. An empty field is left out, or None where that is allowed."""
    values: dict[str, Any] = {}
    for name, info in declared(model):
        if PREFIX + name not in cleaned:
            continue
        value = cleaned[PREFIX + name]
        found = params_fields.shape(info.annotation)
        if value in (None, "", []):
            if partial:
                continue
            if found.optional:
                value = None
            elif found.kind is list:
                value = []
            elif found.kind is not str or found.choices or info.is_required():
                continue  # the declaration's default, or its "required"
        values[name] = value
    return values


def say_base(form: forms.Form, model: type[pydantic.BaseModel], base: Mapping[str, Any]) -> None:
    """In a partial form: tell below each field what it would override."""
    for name, _ in declared(model):
        value, made = base.get(name), form.fields.get(PREFIX + name)
        if made is None or value in (None, "", [], {}):
            continue
        shown = _spoken(value)
        made.help_text = f"{made.help_text} As defined: {escape(shown)}.".strip()


def _spoken(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = encryption.veil(", ".join(map(str, value)) if isinstance(value, list) else str(value))
    return text if len(text) <= 80 else text[:77] + "…"


def errors_by_field(errors: Sequence[FieldError], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each error beside its top field ("stops.0.load" → stops); what belongs to none is told above the form."""
    for error in errors:
        top, _, rest = error.field.partition(".")
        message = SHOULD.sub("This must ", error.message.removeprefix("Value error, "))
        if PREFIX + top not in names:
            yield NON_FIELD_ERRORS, f"{error.field}: {message}" if error.field else message
        elif not rest:
            yield PREFIX + top, message
        else:
            yield PREFIX + top, f"{_place(rest)}: {message}"


class ParamsMixin(FormBase):
    """For a form whose class was made by `with_params`: validates through the job's declaration.

    After `is_valid()`, `params` holds the raw values. `base` are the values that a partial form overrides.
    """

    spec: ClassVar[JobSpec[Any]]
    partial: ClassVar[bool] = False
    base: Mapping[str, Any] = {}
    params: dict[str, Any]

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.params = read(self.spec.params, cleaned, partial=self.partial)
        try:
            self.spec.dump(self.spec.validate({**self.base, **self.params}))
        except InvalidParams as invalid:
            for name, message in errors_by_field(invalid.errors, list(self.fields)):
                if name == NON_FIELD_ERRORS or name not in self.errors:
                    self.add_error(None if name == NON_FIELD_ERRORS else name, message)
        except TooLarge as large:
            self.add_error(None, str(large))
        return cleaned

    def stored_params(self) -> dict[str, Any]:
        """The overrides as JSON, for storing."""
        whole = self.spec.dump(self.spec.validate({**self.base, **self.params}))
        return {name: whole[name] for name in self.params if name in whole} if self.partial else whole


def with_params(form: type[Any], spec: JobSpec[Any], *, partial: bool = False) -> type[Any]:
    """A form class with the job's parameters behind the form's own fields."""
    body = {**fields(spec.params, partial=partial), "spec": spec, "partial": partial}
    metaclass: Any = type(form)
    made: type[Any] = metaclass(f"{form.__name__}For{spec.params.__name__}", (ParamsMixin, form), body)
    return made


def _own_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a value that is there: Optional's first branch."""
    for branch in schema.get("anyOf", ()):
        if branch.get("type") != "null":
            return {**schema, **branch}
    return schema


def _help(info: FieldInfo, schema: Mapping[str, Any], found: params_fields.Shape, default: str) -> str:
    parts = [info.description.rstrip(".") + "." if info.description else ""]
    low, high = schema.get("minimum"), schema.get("maximum")
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        parts.append(f"From {low} to {high}.")
    else:
        parts.append(f"At least {low}." if low is not None else "")
        parts.append(f"At most {high}." if high is not None else "")
    parts.append(f"More than {over}." if over is not None else "")
    parts.append(f"Less than {under}." if under is not None else "")
    parts.append(f"At most {schema['maxLength']} characters." if "maxLength" in schema else "")
    if found.kind is list:
        parts.append("One a line.")
    elif found.kind not in params_fields.SCALARS:
        parts.append("As JSON.")
    parts.append(default)
    return escape(" ".join(part for part in parts if part))


def _default(info: FieldInfo) -> str:
    if info.is_required() or info.default in (PydanticUndefined, None, "", [], (), {}):
        return ""
    value = to_jsonable_python(info.default, fallback=str)
    if isinstance(value, bool):
        return f"Default: {'yes' if value else 'no'}."
    return f"Default: {value}." if isinstance(value, str | int | float) else ""


def _moment(kind: Any, value: Any) -> Any:
    """Dates are stored as text; the browser's inputs want them typed and in the viewer's zone."""
    if kind not in (date, datetime, time) or not isinstance(value, str):
        return value
    try:
        parsed = pydantic.TypeAdapter(kind).validate_python(value)
    except pydantic.ValidationError:
        return value
    return timezone.localtime(parsed) if isinstance(parsed, datetime) and parsed.tzinfo else parsed


def _place(path: str) -> str:
    head, _, rest = path.partition(".")
    first = f"item {int(head) + 1}" if head.isdigit() else head
    return f"{first}, {rest}" if rest else first
