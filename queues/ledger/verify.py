"""Whether the audit log is as it was sealed: the chain is read once, in chunks, and the first bad row is named.

What whoever owns the tables can do and this finds: edit an entry or a seal, remove one, let two change places. What it
finds with an anchor (a head `seq:digest` that was kept elsewhere): a chain cut short or made anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Min, OuterRef

from queues.ledger import audit_rows, clock
from queues.ledger.audit_rows import Sealed
from queues.ledger.canonical import GENESIS, digest, entry_text
from queues.models import AuditEntry, AuditSeal

CHUNK, STRETCH = 1_000, 20_000
NEAR = 1_000  # seals behind a bad one among which its true entry is looked for


@dataclass(frozen=True)
class Fault:
    """`kind`: edited, removed, moved, seal missing, seal edited, edited (entry or seal), not as anchored, unsealed."""

    kind: str
    text: str
    seq: int | None = None
    entry_id: int | None = None


@dataclass
class Verdict:
    """`good`: seals proved, from the first on; `head` is the last of them. `unsealed`: entries that wait, of any age."""

    good: int = 0
    head: tuple[int, str] = (0, GENESIS)
    faults: list[Fault] = field(default_factory=list)
    unsealed: int = 0
    took_s: float = 0.0


def verify(
    anchors: Mapping[int, str] | None = None,
    *,
    older_than_s: float = 120.0,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Verdict:
    """Read the whole chain. Memory is that of a chunk, however long the chain. Raises DatabaseError.

    `anchors`: heads kept elsewhere, digest by seq. An entry without a seal is a fault once it is older than
    `older_than_s`. Nothing behind the first bad row is judged: it may be bad because of that one.
    """
    began_s, found, anchors = time.monotonic(), Verdict(), dict(anchors or {})
    fault = None
    while fault is None and (rows := audit_rows.chain(found.head[0], CHUNK)):
        for row in rows:
            fault = _judge(found.head, row) or _anchored(anchors, row)
            if fault is not None:
                break
            found.good, found.head = found.good + 1, (row.seq, row.digest)
        on_progress(found.good)
    if fault is None:
        fault = _cut_short(anchors, found.head[0])
    found.unsealed, late = _unsealed(clock.now() - timedelta(seconds=older_than_s), older_than_s)
    found.faults = [each for each in (fault, late) if each is not None]
    found.took_s = time.monotonic() - began_s
    return found


def _judge(head: tuple[int, str], row: Sealed) -> Fault | None:
    seq, previous = head
    if row.seq != seq + 1:
        missing = (
            f"Seal {seq + 1} is missing" if row.seq == seq + 2 else f"Seals {seq + 1} to {row.seq - 1} are missing"
        )
        return Fault("seal missing", f"{missing}: removed from the chain.", seq + 1)
    if row.entry is None:
        return Fault("removed", f"Entry {row.entry_id}, sealed as {row.seq}, is gone.", row.seq, row.entry_id)
    if digest(previous, row.seq, row.entry_id, entry_text(row.entry)) == row.digest:
        return None
    return _diagnosis(previous, row, audit_rows.chain(row.seq, NEAR))


def _diagnosis(previous: str, row: Sealed, behind: list[Sealed]) -> Fault:
    """What was done to a row that does not fit its seal, as far as its neighbours tell."""
    entry = row.entry or {}
    for other in behind:
        if other.entry is None:
            continue
        theirs = digest(previous, row.seq, other.entry_id, entry_text(other.entry))
        exchanged = digest(previous, row.seq, row.entry_id, entry_text({**other.entry, "id": row.entry_id}))
        if theirs in (row.digest, other.digest):
            text = f"Seals {row.seq} and {other.seq} changed places or entries: {row.seq} was made for entry {other.entry_id}."
            return Fault("moved", text, row.seq, row.entry_id)
        if exchanged == row.digest:
            text = f"What entry {row.entry_id} (seal {row.seq}) told now stands in entry {other.entry_id}: they were exchanged."
            return Fault("moved", text, row.seq, row.entry_id)
    after = next((each for each in behind if each.seq == row.seq + 1 and each.entry is not None), None)
    if after is not None:
        right = digest(previous, row.seq, row.entry_id, entry_text(entry))
        text = entry_text(after.entry or {})
        if digest(right, after.seq, after.entry_id, text) == after.digest:
            told = f"Seal {row.seq} was edited; its entry {row.entry_id} is as it was."
            return Fault("seal edited", told, row.seq, row.entry_id)
        if digest(row.digest, after.seq, after.entry_id, text) == after.digest:
            told = f"Entry {row.entry_id}, sealed as {row.seq}, was edited after it was sealed."
            return Fault("edited", told, row.seq, row.entry_id)
    told = f"Entry {row.entry_id} or its seal {row.seq} was edited."
    return Fault("edited (entry or seal)", told, row.seq, row.entry_id)


def _anchored(anchors: dict[int, str], row: Sealed) -> Fault | None:
    anchor = anchors.get(row.seq)
    if anchor is None or anchor == row.digest:
        return None
    below = max((seq for seq in anchors if seq < row.seq), default=0)
    since = f"between seal {below + 1}" if below else "between the first seal"
    text = (
        f"Seal {row.seq} (entry {row.entry_id}) is not what was anchored: {row.digest} instead of {anchor}."
        f" The chain was made anew from somewhere {since} and this one."
    )
    return Fault("not as anchored", text, row.seq, row.entry_id)


def _cut_short(anchors: dict[int, str], last: int) -> Fault | None:
    missing = sorted(seq for seq in anchors if seq > last)
    if not missing:
        return None
    text = f"The chain ends at {last}, but was anchored at {missing[-1]}: seals from {last + 1} on are missing."
    return Fault("seal missing", text, last + 1)


def _unsealed(before: datetime, older_than_s: float) -> tuple[int, Fault | None]:
    waiting, late, first_late = 0, 0, None
    for low, high, count, first in audit_rows.stretches(0, audit_rows.newest_id(), STRETCH):
        waiting += count
        if first is None:
            continue
        seals = AuditSeal.objects.filter(entry_id=OuterRef("pk"))
        rows = AuditEntry.objects.filter(~Exists(seals), pk__gt=low, pk__lte=high, at__lt=before).order_by()
        told = rows.aggregate(count=Count("pk"), first=Min("pk"))
        late, first_late = late + told["count"], first_late or told["first"]
    if not late:
        return waiting, None
    text = (
        f"{late:,} {'entry' if late == 1 else 'entries'} older than {older_than_s:g} s without a seal, the first is {first_late}:"
        " is a worker or a scheduler running?"
    )
    return waiting, Fault("unsealed", text, None, first_late)
