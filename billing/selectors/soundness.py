"""Whether the books hold together: parts sum to their wholes, numbers have no gaps, every final document is booked, the journal comes to zero.

The database and the services see to all of that already. This reads everything anew and believes neither. `manage.py verify_books` prints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from django.db.models import Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models import Document, Entry, Series, Standing
from billing.selectors import balances

PARTS = ("lines", "adjustments", "tax_groups")
CHUNK = 500


def faults() -> Iterator[str]:
    """Each in words; none: all is well. Reads every final document, with its parts, and the whole journal."""
    finals = Document.objects.filter(state=Document.State.FINAL).prefetch_related(*PARTS).order_by("pk")
    yield from faults_of(finals.iterator(chunk_size=CHUNK))
    yield from numbers()
    yield from journal()
    yield from standings()


def faults_of(documents: Iterable[Document]) -> Iterator[str]:
    """Of documents with their parts: what does not sum, and taxes of lines that are not theirs."""
    for document in documents:
        for what, is_so in _checks(document):
            if is_so:
                yield f"{document}: {what}"


def _checks(document: Document) -> Iterator[tuple[str, bool]]:
    lines, groups, off = list(document.lines.all()), list(document.tax_groups.all()), list(document.adjustments.all())
    inclusive = document.tax_mode == "inclusive"
    leeway = Fraction(
        len(lines) + len(off) + 2, 2
    )  # a tax that is rounded once may put what the others lack on one line
    net = sum(line.net_minor for line in lines)
    net += sum(each.net_minor if each.kind == "charge" else -each.net_minor for each in off)
    yield "has no lines", not lines
    yield f"its lines and adjustments come to {net} net, not {document.net_minor}", net != document.net_minor
    yield "its tax groups are not its net", sum(group.base_minor for group in groups) != document.net_minor
    yield "its tax groups are not its tax", sum(group.tax_minor for group in groups) != document.tax_minor
    yield "its lines are not its tax", not off and sum(line.tax_minor for line in lines) != document.tax_minor
    yield "net and tax are not its gross", document.net_minor + document.tax_minor != document.gross_minor
    for line in lines:
        amount = line.net_minor + line.tax_minor if inclusive else line.net_minor
        exact = Fraction(line.amount_minor) * Fraction(line.rate) / (100 + Fraction(line.rate) if inclusive else 100)
        yield f"line {line.position} is {line.amount_minor}, its parts {amount}", amount != line.amount_minor
        yield f"line {line.position} bears {line.tax_minor} of tax", abs(line.tax_minor - exact) > leeway
        yield f"line {line.position} has no derivation", not (line.rule and line.words)


def numbers() -> Iterator[str]:
    """By series: from the first to the last without a gap, and the next one follows."""
    given = Document.objects.filter(state=Document.State.FINAL).order_by().values("series")
    found = {
        each["series"]: each for each in given.annotate(of=Count("pk"), first=Min("sequence"), last=Max("sequence"))
    }
    for series in Series.objects.all():
        here = found.get(series.pk)
        if here is None:
            continue
        if here["last"] - here["first"] + 1 != here["of"]:
            yield f"Series {series} has {here['of']} documents from number {here['first']} to {here['last']}"
        if here["last"] + 1 != series.next_number:
            yield f"Series {series} goes on with {series.next_number} after {here['last']}"


def journal() -> Iterator[str]:
    """By customer and currency the receivable is what is open; every document is booked with its gross. (That debits are credits needs no
    proof: an entry has one amount for both.)"""
    for each in balances.differences():
        where = f"customer {each.customer_id} in {each.currency}"
        yield f"The receivable of {where} is {each.journal} by the journal, {each.documents} by the documents"
    for document in _not_booked():
        yield f"{document}: the journal does not say its gross, {document.gross_minor}"


def _not_booked() -> QuerySet[Document]:
    def receivable(side: str) -> Coalesce:
        own = Entry.objects.filter(
            document=OuterRef("pk"), posting__startswith="document:", **{side: balances.RECEIVABLE}
        )
        return Coalesce(Subquery(own.order_by().values("document").annotate(sum=Sum("amount_minor")).values("sum")), 0)

    finals = Document.objects.filter(state=Document.State.FINAL).alias(owed=receivable("debit") - receivable("credit"))
    invoice, credit_note = Q(kind=Document.Kind.INVOICE), Q(kind=Document.Kind.CREDIT_NOTE)
    return finals.exclude(invoice & Q(owed=F("gross_minor")) | credit_note & Q(owed=-F("gross_minor")))


def standings() -> Iterator[str]:
    """Every final document has one, with its own gross, and no balance is below zero."""
    finals = Document.objects.filter(state=Document.State.FINAL)
    yield from (f"{document} has no standing" for document in finals.filter(standing=None))
    for each in Standing.objects.select_related("document").exclude(gross_minor=F("document__gross_minor")):
        yield f"{each.document}: its standing is of {each.gross_minor}"
    below = F("credited_minor") + F("paid_minor") + F("written_off_minor")
    for each in Standing.objects.select_related("document").filter(gross_minor__lt=below):
        yield f"{each.document}: more than its gross was credited, paid or written off"
