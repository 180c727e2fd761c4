"""A row is saved or deleted with its audit entry, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError

from billing import kept_rules
from billing.errors import WrongFields
from billing.selectors.references import references
from queues.contract import Actor, ports
from queues.errors import FieldError

M = TypeVar("M", bound=models.Model)
UNTOLD = frozenset({"created_at", "recorded_at"})  # written by the database's side, and tell nothing


def held(row: M) -> M | None:
    """The row as it is stored, locked; None for a new one."""
    rows: Any = type(row)._default_manager
    found: M | None = rows.select_for_update().filter(pk=row.pk).first() if row.pk is not None else None
    return found


def refuse(refusals: kept_rules.Refusals, *, field: str | None = None) -> None:
    """Raises WrongFields of the first refusal, of its field or of the one given."""
    for name, message in refusals:
        raise WrongFields.of(name if field is None else field, message, "billed")


def differing(row: models.Model, held: models.Model, *names: str) -> list[str]:
    """Those of these fields that differ."""
    fields: dict[str, Any] = {name: row._meta.get_field(name) for name in names}
    return [name for name, field in fields.items() if getattr(row, field.attname) != getattr(held, field.attname)]


def store(row: M, before: models.Model | None, *, actor: Actor, why: str = "") -> M:
    """In the caller's transaction, which proved it: the row and its entry; nothing where nothing differs. Raises WrongFields."""
    try:
        row.full_clean()
    except ValidationError as wrong:
        raise WrongFields(_fields(wrong)) from None
    old = None if before is None else snapshot(before)
    was, now = (None, snapshot(row)) if old is None else changes(old, snapshot(row))
    if not now:
        return row
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:  # two wrote the same at once
        raise WrongFields.of("", "Somebody else stored the same just now: look at it again.", "unique") from None
    audit(row, "create" if old is None else "change", actor, was, now | ({} if was else {"id": row.pk}), why)
    return row


def remove(row: models.Model, *, actor: Actor, why: str = "") -> None:
    """In the caller's transaction. Raises WrongFields where others refer to the row, and says which."""
    if found := references(row):
        raise WrongFields.of("", f"It cannot be deleted: it has {', '.join(found)}.", "referenced")
    audit(row, "delete", actor, snapshot(row), None, why)
    try:
        row.delete()
    except ProtectedError as error:
        raise WrongFields.of("", f"It cannot be deleted: {error.args[0]}", "referenced") from None


def audit(row: models.Model, verb: str, actor: Actor, before: Any, after: Any, why: str) -> None:
    kind = row._meta.verbose_name_raw.replace(" ", "_")
    ports.auditor()(
        actor, f"{kind}.{verb}", object_type=kind, object_id=str(row.pk), object_label=str(row), before=before, after=after, why=why
    )  # fmt: skip


def snapshot(row: models.Model) -> dict[str, Any]:
    """A row's own columns as JSON values, numbers as the database would give them back."""
    values = {field.name: _plain(field, row) for field in row._meta.concrete_fields if field.name not in UNTOLD}
    told: dict[str, Any] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return told


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both sides reduced to the names whose values differ."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def _plain(field: Any, row: models.Model) -> Any:
    value = field.to_python(field.value_from_object(row)) if not field.is_relation else field.value_from_object(row)
    if isinstance(field, models.DecimalField) and value is not None:
        return f"{value:.{field.decimal_places}f}"  # as it is stored: 20 and 20.000000 are the same
    return value


def _fields(wrong: ValidationError) -> list[FieldError]:
    if not hasattr(wrong, "error_dict"):
        return [FieldError("", message) for message in wrong.messages]
    return [
        FieldError("" if name == NON_FIELD_ERRORS else name, message, error.code or "invalid")
        for name, errors in wrong.error_dict.items()
        for error in errors
        for message in error.messages
    ]
