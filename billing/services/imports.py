"""Files become rows: all of them in one transaction, or none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from billing.interchange import checks
from billing.interchange.events import WeighTicketRow
from billing.interchange.plan import Change, Plan, planned
from billing.interchange.problems import Problem
from billing.interchange.reading import Table
from billing.interchange.row import Row
from billing.interchange.tables import TABLES
from billing.selectors import trade
from billing.services import kept
from queues.contract import Actor, ports

BATCH = 2000  # rows an insert, at most: the database's own limit goes before
VERB = "billing.import"


@dataclass(frozen=True)
class Report:
    """What was done, or would be: rows by table, or else everything that is wrong. `written` is False for a dry run and with any problem."""

    written: bool = False
    new: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)
    unchanged: Mapping[str, int] = field(default_factory=dict)
    problems: Sequence[Problem] = ()


def import_tables(
    tables: Sequence[Table], *, actor: Actor, dry_run: bool = False, digests: Mapping[str, str] | None = None
) -> Report:
    """Write what is new and what changed. One bad row, and nothing is written; all bad rows are told. The same again changes nothing.

    Rows that are in no file stay. What was billed is not changed (billing.services.kept). Raises DatabaseError."""
    ordered = sorted(tables, key=lambda table: list(TABLES).index(table.kind.file))
    with transaction.atomic():
        kept.hold(ordered)
        plan = planned(ordered, trade.there(ordered))
        problems = [*plan.problems, *checks.problems(plan.world), *kept.problems(plan.changes)]
        report = _report(plan, sorted(set(problems), key=_place(ordered)), written=not problems and not dry_run)
        if report.written:
            _write(plan)
            _tell(plan, report, actor, digests or {})
    return report


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _place(tables: Sequence[Table]) -> Any:
    order = {table.file: place for place, table in enumerate(tables)}
    return lambda problem: (order.get(problem.file, -1), problem.row, problem.field, problem.message)


def _report(plan: Plan, problems: Sequence[Problem], *, written: bool) -> Report:
    return Report(
        written,
        {name: sum(each.before is None for each in changes) for name, changes in plan.changes.items()},
        {name: sum(each.before is not None for each in changes) for name, changes in plan.changes.items()},
        plan.unchanged,
        problems,
    )


def _write(plan: Plan) -> None:
    currencies = _Currencies(plan)
    for name, changes in plan.changes.items():
        if not changes:
            continue
        model, keys = trade.MODELS[name], _keys(name, changes)
        new = [model(**_columns(each.after, keys, currencies)) for each in changes if each.before is None]
        model.objects.bulk_create(new, batch_size=BATCH)
        _update(model, [each for each in changes if each.before is not None], keys, currencies)


def _update(
    model: Any, changes: Sequence[Change], keys: Mapping[str, Mapping[str, int]], currencies: _Currencies
) -> None:
    for change in changes:
        kind = type(change.after)
        key = {f"{name}__code" if name in kind.refers else name: getattr(change.after, name) for name in kind.key}
        model.objects.filter(**key).update(**_columns(change.after, keys, currencies))


def _keys(name: str, changes: Sequence[Change]) -> dict[str, dict[str, int]]:
    """Table that is referred to → code → primary key."""
    found: dict[str, dict[str, int]] = {}
    for column, table in TABLES[name].refers.items():
        codes = {getattr(each.after, column) for each in changes} - {None}
        model = trade.MODELS[table]
        found[column] = {
            code: pk
            for chunk in trade.chunks(codes)
            for code, pk in model.objects.filter(code__in=chunk).values_list("code", "pk")
        }
    return found


def _columns(row: Row, keys: Mapping[str, Mapping[str, int]], currencies: _Currencies) -> dict[str, Any]:
    """A row as the model's columns hold it."""
    values: dict[str, Any] = {}
    for name, value in row.values().items():
        if name in keys:
            values[f"{name}_id"] = None if value is None else keys[name][value]
        elif name in trade.COLUMNS:
            values[trade.COLUMNS[name]] = trade.minor(value, currencies.of(row))
        elif name == "rules":
            values[name] = [rule.model_dump(mode="json") for rule in value]
        else:
            values[name] = value
    return values | ({"net_kg": row.net_kg} if isinstance(row, WeighTicketRow) else {})


class _Currencies:
    """In which currency a row's amount is."""

    def __init__(self, plan: Plan) -> None:
        self.world = plan.world

    def of(self, row: Any) -> str:
        if row.file == "coupons":
            return str(self.world.find("contracts", row.contract).currency)
        seller = row if row.file == "sellers" else self.world.find("sellers", "main")
        return str(seller.currency) if seller is not None else "EUR"


def _tell(plan: Plan, report: Report, actor: Actor, digests: Mapping[str, str]) -> None:
    """One entry for the whole, and one for each row that was there and is another now."""
    audit = ports.auditor()
    counts = {
        name: {"new": report.new[name], "changed": report.changed[name], "unchanged": report.unchanged[name]}
        for name in report.new
    }
    audit(actor, VERB, object_type="billing", object_id="import", after={"tables": counts, "files": dict(digests)})
    for name, changes in plan.changes.items():
        for change in changes:
            if change.before is not None:
                old, new = (
                    row.model_dump(mode="json", include=set(change.names)) for row in (change.before, change.after)
                )
                audit(
                    actor, "billing.change", object_type=TABLES[name].file, object_id=change.after.id, object_label=change.after.id,
                    before=old, after=new,
                )  # fmt: skip
