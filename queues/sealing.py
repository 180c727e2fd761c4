"""Parameters that are personal or secret: declared `Sealed[...]`, kept encrypted wherever they are stored, opened for the handler.

    class Remind(BaseModel):
        customer: str
        phone: Sealed[str]

Rows, the audit log and answers hold `sealed:…` in their place; given back as it is, such a value stays what it was. See
queues.encryption for what that hides, and queues.blotting for what a handler says of them.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import pydantic
from pydantic import GetJsonSchemaHandler
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from queues import encryption
from queues.encryption import CannotOpen
from queues.errors import FieldError

T = TypeVar("T")
Json = Any  # a value that json.dumps accepts
Plan = Mapping[str, Any]  # name → True (sealed), or the plan of the model, or list of models, that it holds
Change = Callable[[Json, str], Json]  # (value, path) → what stands there instead
SEQUENCES = (list, tuple, set, frozenset)


class Seal:
    """The mark of a sealed field."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core), "x-sealed": True}


Sealed = Annotated[T, Seal()]


class Unopened(CannotOpen):
    """`errors` names every value that does not open."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = list(errors)
        super().__init__(" ".join(f"{each.field}: {each.message}" for each in errors))


def plan_of(model: type[pydantic.BaseModel], *, within: tuple[type, ...] = ()) -> Plan:
    """Empty where nothing is sealed. The model's repr leaves sealed fields out from now on, for handlers that log it.

    Raises TypeError for a mark in a place where values are not looked for.
    """
    plan: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        held = True if any(isinstance(mark, Seal) for mark in info.metadata) else _held(info.annotation, model, within)
        if held:
            info.repr = False
            plan |= dict.fromkeys(_names(name, info), held)
    return plan


def seal(plan: Plan, data: Mapping[str, Json], purpose: str) -> dict[str, Json]:
    """A copy with the planned values sealed. None stays None: that there is nothing is told."""
    return change(plan, data, lambda value, _: sealed(value, purpose))


def sealed(value: Json, purpose: str) -> str:
    """One value, of whatever type, sealed."""
    return encryption.seal(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")), purpose)


def unseal(plan: Plan, data: Mapping[str, Json], purpose: str) -> dict[str, Json]:
    """A copy with what is sealed opened; what was not sealed stays. Raises Unopened."""
    wrong: list[FieldError] = []

    def opened(value: Json, path: str) -> Json:
        if not encryption.is_sealed(value):
            return value
        try:
            return json.loads(encryption.unseal(value, purpose))
        except CannotOpen as error:
            wrong.append(FieldError(path, str(error), error.code))

    found = change(plan, data, opened)
    if wrong:
        raise Unopened(wrong)
    return found


def values(plan: Plan, data: Mapping[str, Json]) -> Iterator[Json]:
    """What stands in the planned places."""
    found: list[Json] = []
    change(plan, data, lambda value, _: found.append(value))
    yield from found


def change(plan: Plan, data: Mapping[str, Json], how: Change, *, path: str = "") -> dict[str, Json]:
    """A copy with every planned value but None changed. What is not of the planned shape is left to the validation."""
    changed = dict(data)
    for name in plan.keys() & data.keys():
        value, part, here = data[name], plan[name], f"{path}{name}"
        if part is True:
            changed[name] = None if value is None else how(value, here)
        elif isinstance(value, Mapping):
            changed[name] = change(part, value, how, path=f"{here}.")
        elif isinstance(value, list | tuple):
            changed[name] = [
                change(part, each, how, path=f"{here}.{n}.") if isinstance(each, Mapping) else each
                for n, each in enumerate(value)
            ]
    return changed


def _held(annotation: Any, model: type, within: tuple[type, ...]) -> Any:
    """True, a plan, or something empty."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return any(isinstance(mark, Seal) for mark in inner[1:]) or _held(inner[0], model, within)
    if origin in (Union, types.UnionType):
        inner = tuple(each for each in inner if each is not type(None))
    elif origin in SEQUENCES:
        inner = tuple(each for each in inner if each is not Ellipsis)
    elif isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        if annotation in (*within, model):
            if any(isinstance(mark, Seal) for info in annotation.model_fields.values() for mark in info.metadata):
                raise TypeError(f"{annotation.__name__} holds itself, so its sealed fields cannot be listed.")
            return None
        return plan_of(annotation, within=(*within, model))
    held = [each for each in (_held(each, model, within) for each in inner) if each]
    if held and (len(inner) > 1 or origin is dict):
        raise TypeError(f"{model.__name__}: Sealed stands in {annotation}, where values are not looked for.")
    return held[0] if held else None


def _names(name: str, info: FieldInfo) -> set[str]:
    """Those under which a value may come."""
    given = (name, info.alias, info.validation_alias)
    if any(not isinstance(each, str | None) for each in given):
        raise TypeError(f"The sealed field {name} has a path as its alias: give it one plain name.")
    return {each for each in given if isinstance(each, str)}
