"""A final document's files: made once, kept, and the same bytes ever after. A draft's PDF is made anew each time and never kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from billing.errors import CannotPrice
from billing.models import Document, DocumentFile
from billing.paper.files import pdf_of, ubl_of
from billing.paper.model import Paper
from billing.selectors.paper import paper_of
from queues.contract import ports

Kind = DocumentFile.Kind
MAKERS: dict[str, Callable[[Paper], bytes]] = {Kind.PDF: pdf_of, Kind.UBL: ubl_of}
SUFFIXES = {Kind.PDF: ("pdf", "application/pdf"), Kind.UBL: ("xml", "application/xml")}
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class FileDamaged(CannotPrice):
    """What is kept is not what was made: somebody changed it in the database. Nothing is handed out."""

    code = "file_damaged"


@dataclass(frozen=True)
class File:
    """As it is downloaded or sent. `kept`: it is the one of a final document."""

    name: str
    media_type: str
    content: bytes
    sha256: str
    kept: bool


def file_of(document: Document, kind: str) -> File:
    """The document as PDF (`pdf`) or EN 16931 XML (`ubl`); who asks again gets the same bytes.

    Raises CannotTell where there can be no such XML, FigureDiffers where its figures are not the document's, FileDamaged.
    """
    kept = DocumentFile.objects.filter(document=document, kind=kind).first()
    if kept is None:
        content = MAKERS[kind](paper_of(document))
        kept = _keep(document, kind, content)
        if kept is None:
            return _file(document, kind, content, kept=False)
    content = bytes(kept.content)
    if hashlib.sha256(content).hexdigest() != kept.sha256:
        raise FileDamaged("content", f"The {kind.upper()} of {document} is not as it was made.")
    return _file(document, kind, content, kept=True)


def _keep(document: Document, kind: str, content: bytes) -> DocumentFile | None:
    """Two who make it at once: the first one's stays, and both get it. None for a draft."""
    if document.state != Document.State.FINAL:
        return None
    try:
        with transaction.atomic():
            return DocumentFile.objects.create(
                document=document, kind=kind, content=content, sha256=hashlib.sha256(content).hexdigest(), made_at=ports.now()
            )  # fmt: skip
    except IntegrityError:
        return DocumentFile.objects.get(document=document, kind=kind)


def _file(document: Document, kind: str, content: bytes, *, kept: bool) -> File:
    suffix, media_type = SUFFIXES[Kind(kind)]
    name = f"{file_stem(document)}.{suffix}"
    return File(name, media_type, content, hashlib.sha256(content).hexdigest(), kept)


def file_stem(document: Document) -> str:
    """The number, in letters that every file system takes."""
    return safe_name(str(document)) or str(document.pk)


def safe_name(text: str) -> str:
    """In letters that every file system takes."""
    return NOT_IN_NAMES.sub("-", text).strip("-.")
