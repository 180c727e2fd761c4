"""All files of a billing run: made at one go, or written into a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet

from billing.errors import CannotPrice, UnknownRun
from billing.models import BillingRun, Document, DocumentFile
from billing.paper.telling import CannotTell
from billing.selectors.paper import with_parts
from billing.services.files import File, file_of
from queues.contract import Actor, ports

CHUNK = 50  # documents whose rows are read together
SUMS = "SHA256SUMS"
Told = Callable[[int, int], None]  # how many of how many
KINDS = tuple(DocumentFile.Kind.values)


class FileIsAnother(CannotPrice):
    """A file of this name is there and says something else: it is left alone."""

    code = "file_is_another"


@dataclass
class Tally:
    """What became of a run's files. `without`: documents that EN 16931 cannot tell, and why. `faults`: what should not be."""

    made: int = 0
    kept: int = 0
    without: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def make_run_files(
    code: str, *, on_progress: Told = lambda done, total: None, checkpoint: Callable[[], None] = lambda: None
) -> Tally:
    """Make the files of a run's final documents that are not there yet; one that cannot be made stops no other.

    Again is no harm: who was stopped in the middle goes on. Raises UnknownRun, and whatever `checkpoint` raises.
    """
    tally, documents = Tally(), _final(code)
    total = documents.count()
    for done, (document, there) in enumerate(_chunks(documents), 1):
        checkpoint()
        for kind in KINDS:
            if kind in there:
                tally.kept += 1
            elif _made(document, kind, tally) is not None:
                tally.made += 1
        on_progress(done, total)
    return tally


def export_run(code: str, folder: Path, *, actor: Actor, kinds: tuple[str, ...] = KINDS, on_progress: Told = lambda done, total: None) -> Tally:  # fmt: skip
    """Write the files of a run's final documents into a folder, readable to their owner alone, with their SHA-256 sums. Audited.

    Again is no harm: a file that is there stays. Raises UnknownRun, OSError; FileIsAnother where one of that name says
    something else.
    """
    documents, tally, sums = _final(code), Tally(), {}
    total = documents.count()
    run = BillingRun.objects.get(code=code)
    with transaction.atomic():
        ports.auditor()(
            actor, "documents.export", object_type="billing_run", object_id=str(run.pk), object_label=run.code,
            after={"documents": total, "kinds": list(kinds)},
        )  # fmt: skip
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for done, (document, _) in enumerate(_chunks(documents), 1):
        for kind in kinds:
            made = _made(document, kind, tally)
            if made is not None:
                sums[made.name] = made.sha256
                _written(folder, made, tally)
        on_progress(done, total)
    _write(folder / SUMS, "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode())
    return tally


def _final(code: str) -> QuerySet[Document]:
    """The run's final documents. Raises UnknownRun."""
    if not BillingRun.objects.filter(code=code).exists():
        raise UnknownRun(code)
    return Document.objects.filter(run__code=code, state=Document.State.FINAL)


def _chunks(documents: QuerySet[Document]) -> Iterator[tuple[Document, set[str]]]:
    """Document by document, with the kinds of files that it has; a handful of queries for each CHUNK."""
    listed = list(documents.order_by("sequence", "pk").values_list("pk", flat=True))
    for first in range(0, len(listed), CHUNK):
        part = listed[first : first + CHUNK]
        there: dict[object, set[str]] = {}
        for key, kind in DocumentFile.objects.filter(document__in=part).values_list("document", "kind"):
            there.setdefault(key, set()).add(kind)
        found = with_parts(Document.objects.filter(pk__in=part)).in_bulk()
        for key in part:
            yield found[key], there.get(key, set())


def _made(document: Document, kind: str, tally: Tally) -> File | None:
    try:
        return file_of(document, kind)
    except CannotTell as gap:
        tally.without[str(document)] = str(gap)
    except CannotPrice as fault:
        tally.faults[f"{document} ({kind})"] = str(fault)
    return None


def _written(folder: Path, file: File, tally: Tally) -> None:
    path = folder / file.name
    if not path.exists():
        _write(path, file.content)
        tally.made += 1
    elif path.read_bytes() == file.content:
        tally.kept += 1
    else:
        raise FileIsAnother(file.name, f"{path} is there and is another file: move it away, or choose another folder.")


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    beside = path.with_name(f".{path.name}.part")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    beside.replace(path)
