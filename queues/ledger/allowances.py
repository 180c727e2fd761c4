"""Allowances: what each caller of the API may ask for in a time; the only writer of staff's, and what is in force.

Who asks goes by a reading that is `FRESH_S` seconds old at most, so a change binds on every web process within seconds.
"""

from __future__ import annotations

import difflib
import threading
import time
from collections.abc import Collection, Mapping

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, InterfaceError, transaction

from queues.contract import Actor
from queues.ledger import audit
from queues.models import Allowance, ApiKey
from queues.policy import ROLES
from queues.rates import Rate

FRESH_S = 2.0
Table = Mapping[tuple[str, str, str], Rate]  # (kind, name, bucket) → what is allowed

_table: Table = {}
_read_s: float | None = None
_reading = threading.Lock()


def rate_of(table: Table, bucket: str, *, key: str | None, user: str, roles: Collection[str]) -> Rate | None:
    """Pure: the key's, else the user's, else the most generous one of the roles'; None where nobody said anything."""
    for kind, name in ((Allowance.Kind.KEY, key), (Allowance.Kind.USER, user)):
        if name is not None and (own := table.get((kind, name, bucket))) is not None:
            return own
    of_roles = [found for role in roles if (found := table.get((Allowance.Kind.ROLE, role, bucket))) is not None]
    return max(of_roles, key=lambda rate: (rate.per_second, rate.limit), default=None)


# --- reading ---


def in_force() -> Table:
    """What staff said, as read `FRESH_S` ago at most; the last reading while the database does not answer."""
    global _read_s
    if _read_s is not None and time.monotonic() - _read_s < FRESH_S:
        return _table
    if _reading.acquire(blocking=_read_s is None):  # one reads; the others go by the last reading, if there is one
        try:
            if _read_s is None or time.monotonic() - _read_s >= FRESH_S:
                refresh()
        except (DatabaseError, InterfaceError):
            _read_s = time.monotonic()  # whoever needs the database for more tells it
        finally:
            _reading.release()
    return _table


def refresh() -> None:
    """Read now. One small query. Raises DatabaseError, and then the last reading stands."""
    global _table, _read_s
    rows = Allowance.objects.order_by().values_list("kind", "name", "bucket", "count", "per_s")
    _table = {(kind, name, bucket): Rate(count, float(per_s)) for kind, name, bucket, count, per_s in rows}
    _read_s = time.monotonic()


def forget() -> None:
    """As in a new process."""
    global _table, _read_s
    _table, _read_s = {}, None


# --- writing ---


def save_allowance(row: Allowance, *, actor: Actor, why: str = "") -> Allowance:
    """Write a new allowance, or change the one of this primary key. Audited. Raises ValidationError, by field."""
    row.name = named(row.kind, row.name)
    prove(row)
    try:
        with transaction.atomic():
            held = Allowance.objects.select_for_update().filter(pk=row.pk).first() if row.pk else None
            before = audit.snapshot(held) if held is not None else None
            row.full_clean()
            after = audit.snapshot(row)
            was, now = (None, after) if before is None else audit.changes(before, after)
            if now:
                row.version = held.version + 1 if held is not None else 1
                row.save()
                after["id"] = row.pk
                _audit(row, actor, "create" if before is None else "change", was, now, why)
    except IntegrityError:  # two wrote the same at once
        raise ValidationError("There is an allowance for this already: change that one.", "unique") from None
    _later()
    return row


def delete_allowance(row: Allowance, *, actor: Actor, why: str = "") -> None:
    """Take it back: what else is said of them is in force again, or the settings. Audited. Raises Allowance.DoesNotExist."""
    with transaction.atomic():
        held = Allowance.objects.select_for_update().get(pk=row.pk)
        _audit(held, actor, "delete", audit.snapshot(held), None, why)
        held.delete()
    _later()


def named(kind: str, name: str) -> str:
    """As it is kept: of a key its prefix alone, for somebody may bring the whole of it."""
    name = name.strip()
    return name.removeprefix("rm_").partition("_")[0] if kind == Allowance.Kind.KEY else name


def prove(row: Allowance) -> None:
    """Raises ValidationError, by field, where nobody bears the name."""
    if row.kind == Allowance.Kind.ROLE and row.name not in ROLES:
        raise _nobody(f"There is no role {row.name!r}; the roles are: {', '.join(ROLES)}.")
    users = get_user_model().objects
    if row.kind == Allowance.Kind.USER and not users.filter(username=row.name).exists():
        same = users.filter(username__iexact=row.name).values_list("username", flat=True)
        near = list(same[:1]) or difflib.get_close_matches(row.name, users.values_list("username", flat=True)[:1000], 1)
        raise _nobody(f"There is no user {row.name!r}.{f' Did you mean {near[0]!r}?' if near else ''}")
    if row.kind == Allowance.Kind.KEY and not ApiKey.objects.filter(prefix=row.name).exists():
        raise _nobody(
            f"There is no API key with the prefix {row.name!r}: it is what stands between rm_ and the next _."
        )


def _nobody(message: str) -> ValidationError:
    return ValidationError({"name": ValidationError(message, "unknown")})


def _later() -> None:
    """This process reads at the next question after the commit; the others when their reading is old."""
    _outdated()
    transaction.on_commit(_outdated, robust=True)


def _outdated() -> None:
    global _read_s
    _read_s = None


def _audit(row: Allowance, actor: Actor, verb: str, before: object, after: object, why: str) -> None:
    audit.write(
        actor, f"allowance.{verb}", object_type="allowance", object_id=str(row.pk), object_label=str(row),
        before=before, after=after, why=why,  # type: ignore[arg-type]
    )  # fmt: skip
