"""Bank statements: each booking once, and what it pays. What nobody can be found for is said by people (bank_lines)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from django.db import IntegrityError, transaction

from billing import bank_csv, camt
from billing.bank_csv import CsvForm
from billing.bookings import Booking, Contents, clean_account
from billing.errors import StatementUnreadable
from billing.models import BankLine, BankStatement, Payment, Seller
from billing.services import bank_matching, received
from billing.services.bank_matching import Match
from queues.contract import Actor, ports

PROVIDER = "manual"
CHUNK = 500  # references asked for at once
Outcome = Literal["matched", "unmatched", "ignored", "known"]


@dataclass(frozen=True)
class Told:
    """What became of one booking; `why`: in words, of every outcome. `documents`: the numbers that it was set against first."""

    reference: str
    booked_on: date
    amount_minor: int
    currency: str
    payer: str
    text: str
    outcome: Outcome
    why: str
    customer: str = ""
    documents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """`statement` is None in a dry run."""

    form: str
    lines: tuple[Told, ...]
    warnings: tuple[str, ...]
    statement: BankStatement | None

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(line.outcome for line in self.lines)
        return {outcome: found[outcome] for outcome in ("matched", "unmatched", "ignored", "known")}


def import_statement(
    content: bytes, name: str, *, actor: Actor, csv_form: CsvForm | None = None, dry_run: bool = False
) -> Report:
    """Read a file of a bank's (CAMT.053, CAMT.054, or CSV as `csv_form` says) and book what customers paid.

    All of it or nothing, in one transaction; a dry run does the same and keeps nothing. A booking that is there already, from whatever file, is
    "known"; what went out is "ignored"; what cannot be matched is "unmatched", for `bank_lines.assign`. Audited.
    Raises StatementUnreadable (also: this very file was imported before).
    """
    contents = _read(content, csv_form)
    digest = hashlib.sha256(content).hexdigest()
    try:
        with transaction.atomic():
            seller = Seller.objects.select_for_update(no_key=True).first()  # one import after another
            _prove_new(digest)
            statement = BankStatement.objects.create(
                name=name[-200:], sha256=digest, form=contents.form, imported_at=ports.now()
            )
            known = _known([each.reference for each in contents.bookings])
            lines = tuple(_line(statement, each, known, actor) for each in contents.bookings)
            report = Report(contents.form, lines, _warnings(contents, seller), None if dry_run else statement)
            ports.auditor()(
                actor, "bank_statement.import", object_type="bank_statement", object_id=str(statement.pk), object_label=statement.name,
                after={"form": contents.form, "sha256": digest, **report.counts},
            )  # fmt: skip
            transaction.set_rollback(dry_run)
    except IntegrityError:
        raise StatementUnreadable("Somebody else imports the same bookings at this moment: try again.") from None
    return report


def _read(content: bytes, csv_form: CsvForm | None) -> Contents:
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return camt.read(content)
    return bank_csv.read(content, csv_form)


def _prove_new(digest: str) -> None:
    before = BankStatement.objects.filter(sha256=digest).first()
    if before is not None:
        raise StatementUnreadable(f"This file was imported on {before.imported_at:%Y-%m-%d} already, as {before.name}.")


def _known(references: Sequence[str]) -> set[str]:
    chunks = [references[n : n + CHUNK] for n in range(0, len(references), CHUNK)]
    found = (BankLine.objects.filter(reference__in=chunk).values_list("reference", flat=True) for chunk in chunks)
    return {reference for chunk in found for reference in chunk}


def _line(statement: BankStatement, booking: Booking, known: set[str], actor: Actor) -> Told:
    if booking.reference in known:
        return _told(booking, "known", Match("It is here from an earlier import."))
    line = BankLine(
        statement=statement, reference=booking.reference, booked_on=booking.booked_on, amount_minor=booking.amount_minor,
        currency=booking.currency, payer=booking.payer, account=booking.account, text=booking.text,
    )  # fmt: skip
    if booking.ignored or booking.amount_minor <= 0:
        line.state = BankLine.State.IGNORED
        return _kept(line, booking, "ignored", Match(booking.ignored or "It is nothing."))
    found = bank_matching.match(booking)
    if found.customer is None:
        return _kept(line, booking, "unmatched", found)
    line.payment = payment_of(line, found, actor)
    line.state = BankLine.State.MATCHED
    return _kept(line, booking, "matched", found)


def payment_of(line: BankLine, found: Match, actor: Actor) -> Payment:
    assert found.customer is not None
    return received.receive(
        f"bank:{line.reference}", PROVIDER, found.customer, line.currency, line.amount_minor, line.booked_on, line.reference,
        found.documents[0] if found.documents else None, others=found.documents[1:], actor=actor, why=found.why,
    )  # fmt: skip


def _kept(line: BankLine, booking: Booking, outcome: Outcome, found: Match) -> Told:
    line.problem = "" if outcome == "matched" else found.why[:200]
    line.save(force_insert=True)
    return _told(booking, outcome, found)


def _told(booking: Booking, outcome: Outcome, found: Match) -> Told:
    return Told(
        booking.reference, booking.booked_on, booking.amount_minor, booking.currency, booking.payer, booking.text, outcome, found.why,
        found.customer.code if found.customer else "", tuple(str(document) for document in found.documents),
    )  # fmt: skip


def _warnings(contents: Contents, seller: Seller | None) -> tuple[str, ...]:
    ours = clean_account(seller.iban if seller else "")
    strange = [each for each in contents.accounts if ours and each != ours]
    return tuple(f"This is a statement of {each}, and the seller's account is {ours}." for each in strange)
