"""Many rows in one statement: the batch's way to read and write, on PostgreSQL and SQLite alike.

Rows travel as one JSON parameter: one value to bind however long the batch is, and the database takes it apart.
On PostgreSQL statements go through the server's own binding, so that they are prepared after a few times.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models

TEXT = "__text"  # "params__text" names the column params, given as text that is JSON already
Row = tuple[Any, ...]
Fixed = tuple[tuple[str, str], ...]  # (field, SQL) alike for every row: (("state", "'succeeded'"), …)


def fetch(sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
    """Run one statement (placeholders %s, or %(name)s) and return its rows, if it has any. Raises DatabaseError."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall()) if cursor.description else []
    import psycopg

    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as direct:
        direct.execute(sql, params, binary=True)
        return direct.fetchall() if direct.description else []


def update_each(
    model: type[models.Model],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str] = ("pk",),
    fixed: Fixed = (),
    where: Fixed = (),
) -> list[Any]:
    """`UPDATE model SET … WHERE key [AND where]` once per row, in one statement. Every row has the same names.

    `key` begins with the primary key; `fixed` and `where` are alike for every row. Returns the primary keys of what was
    changed. Rows are locked in the order of their keys. Raises DatabaseError. Run it inside a transaction.
    """
    if not rows:
        return []
    shape = _update(model, tuple(rows[0]), tuple(key), fixed, where, connection.vendor)
    return [shape.read(pk) for (pk,) in fetch(shape.sql, [shape.dump(rows)])]


def insert_each(
    model: type[models.Model],
    rows: Sequence[Mapping[str, Any]],
    *,
    same: Mapping[str, Any] | None = None,
    ignore_conflicts: bool = False,
) -> None:
    """Insert the rows in one statement. Every row has the same names; `same` holds the values alike for every row, and
    what neither names has its field's default. Raises DatabaseError."""
    if rows:
        same = same or {}
        shape = _insert(model, tuple(rows[0]), tuple(same), ignore_conflicts, connection.vendor)
        fetch(shape.sql, [*shape.bind(same), shape.dump(rows)])


def insert_one(model: type[models.Model], row: Mapping[str, Any]) -> None:
    """Insert one row; what it does not name has its field's default. Raises DatabaseError."""
    shape = insert_shape(model, tuple(row), connection.vendor)
    fetch(shape.sql, shape.bind(row))


def readers(model: type[models.Model], names: Sequence[str]) -> list[Callable[[Any], Any] | None]:
    """How what a statement of our own returns for these columns becomes Python's; None: as it is."""
    postgres = connection.vendor == "postgresql"
    return [_read(_field(model, name), postgres) for name in names]


def _read(field: Any, postgres: bool) -> Callable[[Any], Any] | None:
    """How a column's value becomes Python's; None: as it is."""
    field = getattr(field, "target_field", field)
    if postgres:
        return None
    if isinstance(field, models.BooleanField):
        return bool
    if isinstance(field, models.JSONField):
        return json.loads
    if isinstance(field, models.UUIDField):
        return UUID
    return _utc if isinstance(field, models.DateTimeField) else None


def _utc(naive: datetime) -> datetime:
    return naive.replace(tzinfo=UTC)  # Django's converter has read it from the column's text


class _Shape:
    """The statement for one set of columns, and how rows are written into its parameter."""

    def __init__(self, model: type[models.Model], names: Sequence[str]) -> None:
        self.postgres = connection.vendor == "postgresql"
        self.quote = connection.ops.quote_name
        self.table = self.quote(model._meta.db_table)
        self.model, self.sql = model, ""
        fields = [_field(model, name) for name in names]
        self.columns = {name: self.column(name) for name in names}
        raw = [name.endswith(TEXT) for name in names]
        jsonb = "::jsonb" if self.postgres else ""
        self.places = {
            name: f"v.c{i}{jsonb if is_text else ''}" for i, (name, is_text) in enumerate(zip(names, raw, strict=True))
        }
        self.codes = [
            (name, f"c{i}", _same if is_text else _code(field, self.postgres))
            for i, (name, field, is_text) in enumerate(zip(names, fields, raw, strict=True))
        ]
        if self.postgres:
            types = [f"c{i} {'text' if raw[i] else _type(field)}" for i, field in enumerate(fields)]
            self.source = f"SELECT * FROM json_to_recordset(%s::json) AS v({', '.join(types)})"
        else:
            picks = [f"{_pick(field, i, as_text=raw[i])} AS c{i}" for i, field in enumerate(fields)]
            self.source = f"SELECT {', '.join(picks)} FROM json_each(%s) AS e"

    def column(self, name: str) -> str:
        return self.quote(_field(self.model, name).column)

    def dump(self, rows: Sequence[Mapping[str, Any]]) -> str:
        codes = self.codes
        batch = [
            {at: None if (value := row[name]) is None else code(value) for name, at, code in codes} for row in rows
        ]
        return _text(batch)

    def bind(self, values: Mapping[str, Any]) -> list[Any]:
        """Values as parameters of their own."""
        return [
            None if value is None else bound(value)
            for bound, value in zip(_binders(self.model, tuple(values), self.postgres), values.values(), strict=True)
        ]

    def read(self, pk: Any) -> Any:
        is_hex = not self.postgres and isinstance(_field(self.model, "pk"), models.UUIDField)
        return UUID(pk) if is_hex else pk


@cache
def _update(
    model: type[models.Model], names: tuple[str, ...], key: tuple[str, ...], fixed: Fixed, where: Fixed, vendor: str
) -> _Shape:
    shape = _Shape(model, names)
    table, pk = shape.table, shape.column("pk")
    sets = [f"{shape.columns[name]} = {shape.places[name]}" for name in names if name not in key]
    sets += [f"{shape.column(name)} = {value}" for name, value in fixed]
    by_pk, *guards = [(shape.columns[name], shape.places[name]) for name in key]
    guards += [(shape.column(name), value) for name, value in where]
    if shape.postgres:  # no other index than the primary key's is fit to find them: "IS TRUE" fits none
        checks = [f"({table}.{column} = {value}) IS TRUE" for column, value in guards]
        match = " AND ".join([f"{table}.{by_pk[0]} = {by_pk[1]}", *checks])
        shape.sql = (  # locked in order first: two batches never wait for each other in a circle
            f"WITH held AS MATERIALIZED (SELECT v.* FROM ({shape.source}) AS v JOIN {table} ON {match}"
            f" ORDER BY {table}.{pk} FOR UPDATE OF {table})"
            f" UPDATE {table} SET {', '.join(sets)} FROM held AS v WHERE {match} RETURNING {table}.{pk}"
        )
    else:  # "+" keeps SQLite from every other index
        checks = [f"+{table}.{column} = {value}" for column, value in guards]
        match = " AND ".join([f"{table}.{by_pk[0]} = {by_pk[1]}", *checks])
        shape.sql = f"UPDATE {table} SET {', '.join(sets)} FROM ({shape.source}) AS v WHERE {match} RETURNING {pk}"
    return shape


@cache
def _insert(
    model: type[models.Model], names: tuple[str, ...], same: tuple[str, ...], ignore_conflicts: bool, vendor: str
) -> _Shape:
    shape = _Shape(model, names)
    defaults = _defaults(model, {*names, *same})
    columns = [shape.column(name) for name in (*same, *names, *defaults)]
    values = [_cast(model, name, shape.postgres) for name in same]
    values += [*shape.places.values(), *defaults.values()]
    shape.sql = (
        f"INSERT INTO {shape.table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM ({shape.source}) AS v"
        f" WHERE true{' ON CONFLICT DO NOTHING' if ignore_conflicts else ''}"
    )
    return shape


@cache
def insert_shape(model: type[models.Model], names: tuple[str, ...], vendor: str) -> _Shape:
    shape = _Shape(model, ())
    defaults = _defaults(model, set(names))
    columns = [shape.column(name) for name in (*names, *defaults)]
    values = [*("%s" for _ in names), *defaults.values()]
    shape.sql = f"INSERT INTO {shape.table} ({', '.join(columns)}) VALUES ({', '.join(values)})"
    return shape


@cache
def _binders(model: type[models.Model], names: tuple[str, ...], postgres: bool) -> list[Callable[[Any], Any]]:
    return [_bound(_field(model, name), postgres) for name in names]


def _defaults(model: type[models.Model], given: set[str]) -> dict[str, str]:
    """The defaults of the other fields, as SQL. They must be plain: a number, a text, a list or dict, or none."""
    others = [
        field
        for field in model._meta.concrete_fields
        if not {name.removesuffix(TEXT) for name in given} & {field.name, field.attname}
        and not isinstance(field, models.AutoField)
        and not (field.primary_key and "pk" in given)
    ]
    return {field.name: _literal(field.get_default()) for field in others}


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    text = str(value) if isinstance(value, int | float | str) else json.dumps(value)
    return text if isinstance(value, int | float) else "'" + text.replace("'", "''").replace("%", "%%") + "'"


def _cast(model: type[models.Model], name: str, postgres: bool) -> str:
    return f"%s::{_type(_field(model, name))}" if postgres else "%s"


def _bound(field: Any, postgres: bool) -> Callable[[Any], Any]:
    if isinstance(field, models.JSONField):
        return _text
    return _same if postgres else _code(field, postgres)


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name.removesuffix(TEXT))


def _type(field: Any) -> str:
    """The column's type on PostgreSQL, that of the referred column for a foreign key."""
    return str(field.rel_db_type(connection) if field.primary_key else field.db_type(connection)).split("(")[0]


def _pick(field: Any, index: int, *, as_text: bool) -> str:
    if isinstance(field, models.JSONField) and not as_text:
        return f"CASE json_type(e.value, '$.c{index}') WHEN 'null' THEN NULL ELSE e.value->'$.c{index}' END"
    return f"e.value->>'$.c{index}'"


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if "\\u0000" in text or not _encodable(text):
        text = json.dumps(storable(value), ensure_ascii=False, separators=(",", ":"))
    return text


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable(value: Any) -> Any:
    """What no database can hold in a text (NUL, half a surrogate pair) becomes a sign for it: an ending is never lost."""
    if isinstance(value, str):
        return value.replace("\0", "\u2400").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(name): storable(held) for name, held in value.items()}
    return [storable(held) for held in value] if isinstance(value, list | tuple) else value


def _code(field: Any, postgres: bool) -> Callable[[Any], Any]:
    """How a value of this column is written into the JSON."""
    field = getattr(field, "target_field", field)
    if isinstance(field, models.UUIDField):
        return _hex
    if isinstance(field, models.DateTimeField):
        return datetime.isoformat if postgres else sqlite_time
    if isinstance(field, models.DecimalField):
        return str
    return _same


def _same(value: Any) -> Any:
    return value


def _hex(value: UUID) -> str:
    return value.hex


def sqlite_time(value: datetime) -> str:
    """As Django's SQLite backend writes it: naive UTC."""
    return str(value.astimezone(UTC).replace(tzinfo=None))
