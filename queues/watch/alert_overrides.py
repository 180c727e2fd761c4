"""What staff say of the alert rules: the only writer of it, and what is in force. Audited."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from queues import catalogue
from queues.contract import Actor
from queues.errors import UnknownQueue
from queues.ledger import audit
from queues.models import AlertOverride
from queues.watch.alert_rules import BY_NAME, RULES, Key, Lines, Rule, lines_of


@dataclass(frozen=True)
class InForce:
    """Which lines hold, and what is muted. Pure."""

    rows: Mapping[Key, AlertOverride] = field(default_factory=dict)
    stretch: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[AlertOverride], stretch: Mapping[str, float] | None = None) -> InForce:
        return cls({(row.rule, row.queue): row for row in rows}, stretch or {})

    def lines(self, rule: Rule, queue: str) -> Lines:
        row = self._row(rule.name, queue)
        said = (row.warning, row.critical) if row else (None, None)
        return lines_of(rule, *said, stretch=self.stretch.get(queue, 1.0))

    def muted_until(self, rule: str, queue: str, now: datetime) -> datetime | None:
        """By either row: a rule that is muted everywhere is muted on a queue with lines of its own, too."""
        held = [row for key in {(rule, queue), (rule, "")} if (row := self.rows.get(key)) and row.mutes(now)]
        return max((row.muted_until for row in held if row.muted_until), default=None)

    def _row(self, rule: str, queue: str) -> AlertOverride | None:
        return self.rows.get((rule, queue)) or self.rows.get((rule, ""))


def in_force(stretch: Mapping[str, float] | None = None) -> InForce:
    """One small query. Raises DatabaseError."""
    return InForce.of(AlertOverride.objects.order_by(), stretch)


def save_override(row: AlertOverride, *, actor: Actor, why: str = "") -> AlertOverride:
    """Write a new override, or change the one of this primary key. In force at the next look. Raises ValidationError, by
    field."""
    prove(row)
    try:
        with transaction.atomic():
            held = AlertOverride.objects.select_for_update().filter(pk=row.pk).first() if row.pk else None
            before = audit.snapshot(held) if held is not None else None
            row.full_clean()
            after = audit.snapshot(row)
            was, now = (None, after) if before is None else audit.changes(before, after)
            if now:
                row.version = held.version + 1 if held is not None else 1
                row.save()
                _audit(row, actor, "create" if before is None else "change", was, now, why)
    except IntegrityError:  # two wrote the same at once
        raise ValidationError("There is a word on this rule and queue already: change that one.", "unique") from None
    return row


def delete_override(row: AlertOverride, *, actor: Actor, why: str = "") -> None:
    """Take it back: what is said of every queue, or what is shipped, holds again. Raises AlertOverride.DoesNotExist."""
    with transaction.atomic():
        held = AlertOverride.objects.select_for_update().get(pk=row.pk)
        _audit(held, actor, "delete", audit.snapshot(held), None, why)
        held.delete()


def prove(row: AlertOverride) -> None:
    """Raises ValidationError, by field, with what would be right."""
    rule = BY_NAME.get(row.rule)
    if rule is None:
        near = difflib.get_close_matches(row.rule, BY_NAME, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise _wrong("rule", f"There is no rule {row.rule!r}; the rules are: {', '.join(r.name for r in RULES)}.{hint}")
    row.queue = _queue(rule, row.queue)
    row.reason = row.reason.strip()
    for name in ("warning", "critical"):
        value = getattr(row, name)
        if value is not None and not 0 < value < 1e12:
            raise _wrong(name, f"A line is a number over 0, in {rule.unit}.")
    lines = lines_of(rule, row.warning, row.critical)
    if lines.warning is not None and lines.critical is not None and _crossed(rule, lines.warning, lines.critical):
        side = "under" if rule.below else "over"
        raise _wrong("critical", f"The critical line must be {side} the warning's, {lines.warning:g} {rule.unit}.")
    if row.warning is None and row.critical is None and row.muted_until is None:
        raise ValidationError("Say what shall be otherwise: a line, or until when it is muted.", "nothing")


def _queue(rule: Rule, name: str) -> str:
    if not name:
        return ""
    if not rule.per_queue:
        raise _wrong("queue", f"{rule.title} is about the whole house: leave the queue empty.")
    try:
        return catalogue.canonical(name)
    except UnknownQueue as error:
        raise _wrong("queue", str(error)) from None


def _crossed(rule: Rule, warning: float, critical: float) -> bool:
    return critical > warning if rule.below else critical < warning


def _wrong(name: str, message: str) -> ValidationError:
    return ValidationError({name: ValidationError(message, "invalid")})


def _audit(row: AlertOverride, actor: Actor, verb: str, before: object, after: object, why: str) -> None:
    audit.write(
        actor, f"alert_override.{verb}", object_type="alert_override", object_id=str(row.pk), object_label=str(row),
        before=before, after=after, why=why,  # type: ignore[arg-type]
    )  # fmt: skip
