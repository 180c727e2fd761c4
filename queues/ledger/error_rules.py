"""The rules in force in this process, and the only writer of staff's rules.

A worker reads the rules every `EVERY_S` seconds (a tick of its tender); nothing is read for a job. Its child processes
are told by the worker. What nobody has read yet, or cannot read, is judged by the rules known last.
"""

from __future__ import annotations

import json
import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from queues.contract import Actor
from queues.ledger import audit
from queues.ledger.error_defaults import SHIPPED
from queues.ledger.error_table import Rule, Table, Verdict
from queues.models import ErrorRule

EVERY_S = 2.0
NAME = re.compile(r"[^\W\d]\w*")
_table = Table({}, SHIPPED)
_told = b""  # what `adopt` takes; empty while staff wrote nothing


def judge(error: BaseException) -> Verdict:
    """Whether another attempt could help, by the rules in force here. No database."""
    return _table.judge(error)


def in_force() -> Table:
    """The rules that this process goes by."""
    return _table


def read() -> Table:
    """The rules as they are stored now, over the shipped ones. One query. Raises DatabaseError."""
    rows = ErrorRule.objects.order_by("error_type", "error_code")
    return _made(
        [[r.error_type, r.error_code, r.permanent] for r in rows.only("error_type", "error_code", "permanent")]
    )


def refresh() -> None:
    """Go by what is stored now. Raises DatabaseError, and then what was in force stays."""
    _go_by(read())


def told() -> bytes:
    """The rules of staff for another process to `adopt`: the same object until they change."""
    return _told


def adopt(body: bytes) -> None:
    """In a child process: go by what the worker goes by."""
    _go_by(_made(json.loads(body or b"[]")))


def save_rule(
    error_type: str, error_code: str = "", *, permanent: bool, note: str = "", actor: Actor, why: str = ""
) -> tuple[ErrorRule, bool]:
    """Write the rule for a type and code, and whether it is new. In force everywhere within seconds; audited.

    Raises ValidationError, by field.
    """
    error_type, error_code = error_type.strip(), error_code.strip()
    prove(error_type, error_code)
    with transaction.atomic():
        fresh = ErrorRule(
            error_type=error_type, error_code=error_code, permanent=permanent, note=note.strip(), version=0
        )
        fresh.full_clean(validate_unique=False, validate_constraints=False)
        ErrorRule.objects.bulk_create([fresh], ignore_conflicts=True)  # two may write the same at once
        rule = ErrorRule.objects.select_for_update().get(error_type=error_type, error_code=error_code)
        before = audit.snapshot(rule) if rule.version else None
        rule.permanent, rule.note = permanent, note.strip()
        after = audit.snapshot(rule)
        was, now = (None, after) if before is None else audit.changes(before, after)
        if now:
            rule.version += 1
            rule.save()
            _audit(rule, actor, "create" if before is None else "change", was, now, why)
    return rule, before is None


def delete_rule(rule: ErrorRule, *, actor: Actor, why: str = "") -> None:
    """Take a rule back: what the error says itself, or the shipped rule, is in force again. Audited.

    Raises ErrorRule.DoesNotExist where somebody else has done it.
    """
    with transaction.atomic():
        row = ErrorRule.objects.select_for_update().get(pk=rule.pk)
        _audit(row, actor, "delete", audit.snapshot(row), None, why)
        row.delete()


def prove(error_type: str, error_code: str) -> None:
    """Raises ValidationError, by field, with what to write instead."""
    if not NAME.fullmatch(error_type):
        last = re.split(r"[^\w]+", error_type.rstrip(")("))[-1] if error_type else ""
        hint = f" Perhaps {last}?" if last != error_type and NAME.fullmatch(last) else ""
        message = f"Write the error's class name alone, without its module, e.g. ConnectTimeout.{hint}"
        raise ValidationError({"error_type": ValidationError(message, "invalid")})
    if re.search(r"[\s\x00-\x1f]", error_code):
        message = "A code has no spaces. Leave it empty for every code; a family of HTTP statuses is written 4xx."
        raise ValidationError({"error_code": ValidationError(message, "invalid")})


def _made(rows: list[list[Any]]) -> Table:
    return Table({(kind, code): Rule(bool(permanent)) for kind, code, permanent in rows}, SHIPPED)


def _go_by(table: Table) -> None:
    global _table, _told
    if table.staff == _table.staff:
        return
    rows = [[*key, rule.permanent] for key, rule in sorted(table.staff.items())]
    _table, _told = table, json.dumps(rows).encode() if rows else b"[]"


def _audit(rule: ErrorRule, actor: Actor, verb: str, before: Any, after: Any, why: str) -> None:
    audit.write(
        actor, f"error_rule.{verb}", object_type="error_rule", object_id=str(rule.pk), object_label=str(rule),
        before=before, after=after, why=why,
    )  # fmt: skip
