"""What older keys sealed is sealed anew with the newest, while everything runs; then the older keys can be taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models.functions import Cast

from queues import encryption, registry, sealing
from queues.contract import Actor
from queues.encryption import CannotOpen
from queues.ledger import audit
from queues.ledger.requests import params_columns
from queues.models import Authenticator, JobDefinition, Run, Schedule
from queues.models.encrypted import EncryptedTextField
from queues.models.second_factor import PURPOSE

CHUNK = 500  # rows of one transaction


@dataclass
class Tally:
    """Of one table or column: values sealed, of these renewed, and what no key opens (each told with its row)."""

    what: str
    sealed: int = 0
    renewed: int = 0
    lost: list[str] = field(default_factory=list)


Progress = Callable[[Tally], None]


def reseal(*, actor: Actor, on_progress: Progress = lambda tally: None, dry_run: bool = False) -> list[Tally]:
    """May be stopped and begun again: what is renewed stays so. With `dry_run` it only counts. Audited if it changed anything.

    The audit log keeps what it was told: nobody ever opens that. Raises DatabaseError.
    """
    told = [*_params(on_progress, dry_run), *_columns(on_progress, dry_run), _authenticators(dry_run)]
    if not dry_run and any(each.renewed for each in told):
        audit.write(
            actor, "encryption.reseal", object_type="encryption", object_id=encryption.keyring().newest,
            object_label="Sealed values under the newest key", after={each.what: each.renewed for each in told},
        )  # fmt: skip
    return told


def _params(on_progress: Progress, dry_run: bool) -> Iterator[Tally]:
    """Parameters of jobs, by table."""
    plans = {name: spec for spec in registry.specs() if spec.sealed for name in (spec.name, *spec.aliases)}
    if not plans:
        return
    for model, path in ((JobDefinition, "job"), (Schedule, "definition__job"), (Run, "job")):
        tally = Tally(str(model._meta.verbose_name_plural))
        rows: Any = model._default_manager.filter(**{f"{path}__in": list(plans)}).annotate(bears=models.F(path))
        for chunk in _chunks(rows):
            for row in chunk:
                spec = plans[row.bears]
                held = row.parameters if isinstance(row, Run) else row.params
                changed = _renewed(held, spec, tally, row)
                if changed is not None and not dry_run:
                    columns = params_columns(changed) if isinstance(row, Run) else {"params": changed}
                    model._default_manager.filter(pk=row.pk).update(**columns)
            on_progress(tally)
        yield tally


def _renewed(held: dict[str, Any], spec: registry.JobSpec[Any], tally: Tally, row: Any) -> dict[str, Any] | None:
    """None: there is nothing to do."""
    ring, before = encryption.keyring(), tally.renewed

    def renew(value: Any, path: str) -> Any:
        if not encryption.is_sealed(value):
            tally.sealed, tally.renewed = tally.sealed + 1, tally.renewed + 1
            return sealing.sealed(value, spec.name)  # from before the job declared it so
        tally.sealed += 1
        try:
            new = ring.renew(value, spec.name)
        except CannotOpen as error:
            tally.lost.append(f"{row} ({row.pk}), {path}: {error}")
            return value
        tally.renewed += new != value
        return new

    changed = sealing.change(spec.sealed, held, renew)
    return changed if tally.renewed > before else None


def _columns(on_progress: Progress, dry_run: bool) -> Iterator[Tally]:
    """Encrypted columns of whatever model."""
    ring = encryption.keyring()
    for model in apps.get_models():
        for column in (each for each in model._meta.local_fields if isinstance(each, EncryptedTextField)):
            tally = Tally(f"{model._meta.verbose_name}: {column.name}")
            raw = Cast(column.name, models.TextField())
            rows: Any = model._default_manager.annotate(raw=raw).filter(raw__startswith=encryption.PREFIX)
            for chunk in _chunks(rows.values_list("pk", "raw", named=True)):
                for row in chunk:
                    tally.sealed += 1
                    if ring.is_newest(row.raw):
                        continue
                    try:
                        text = ring.open(row.raw, column.purpose)
                    except CannotOpen as error:
                        tally.lost.append(f"{model._meta.verbose_name} {row.pk}: {error}")
                        continue
                    tally.renewed += 1
                    if not dry_run:  # guarded: whoever changed it meanwhile has sealed it anew
                        rows.filter(pk=row.pk, raw=row.raw).update(**{column.name: text})
                on_progress(tally)
            yield tally


def _authenticators(dry_run: bool) -> Tally:
    """Their keys are in a column of the library's, sealed by us."""
    tally, ring = Tally("authenticators"), encryption.keyring()
    for device in Authenticator.objects.order_by("pk"):
        tally.sealed += 1
        try:
            renewed = ring.renew(device.key, PURPOSE)
        except CannotOpen as error:
            tally.lost.append(f"{device.user}'s authenticator ({device.pk}): {error}")
            continue
        tally.renewed += renewed != device.key
        if renewed != device.key and not dry_run:
            Authenticator.objects.filter(pk=device.pk, key=device.key).update(key=renewed)
    return tally


def _chunks(rows: Any) -> Iterator[list[Any]]:
    """In the order of their keys; each chunk in a transaction of its own that holds its rows."""
    last: Any = None
    while True:
        with transaction.atomic():
            asked = rows.order_by("pk") if last is None else rows.filter(pk__gt=last).order_by("pk")
            chunk = list(asked.select_for_update(of=("self",))[:CHUNK] if _can_lock(rows) else asked[:CHUNK])
            if not chunk:
                return
            yield chunk
        last = chunk[-1].pk


def _can_lock(rows: Any) -> bool:
    """Rows read as tuples are guarded by their value instead."""
    return not rows._fields
