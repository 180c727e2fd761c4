"""What an import must not change, since something was billed by it: the facts for many rows at once; the rules are billing.kept_rules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet

from billing import kept_rules
from billing.interchange.plan import Change
from billing.interchange.problems import Problem
from billing.interchange.reading import Table
from billing.models import Contract, Document, PriceList, Service
from billing.selectors import billed, trade

Changes = Mapping[str, Sequence[Change]]


def hold(tables: Sequence[Table]) -> None:
    """Contracts and price lists that the files are about stand still until the caller's transaction ends."""
    contracts: set[str] = set()
    services: set[str] = set()
    visits: set[str] = set()
    lists: set[str] = set()
    for table in tables:
        for read in table.rows:
            row = read.row
            match table.kind.file:
                case "contracts":
                    contracts.add(row.code)
                case "services":
                    contracts.add(row.contract)
                    services.add(row.code)
                case "coupons":
                    contracts.add(row.contract)
                case "visits" | "stays":
                    services.add(row.service)
                case "weigh_tickets":
                    visits.add(row.visit)
                case "price_versions":
                    lists.add(row.price_list)
                case "price_lists":
                    lists.add(row.code)
    for chunk in trade.chunks(services):
        contracts |= set(Service.objects.filter(code__in=chunk).values_list("contract__code", flat=True))
    for chunk in trade.chunks(visits):
        contracts |= set(
            Service.objects.filter(visits__code__in=chunk).values_list("contract__code", flat=True).distinct()
        )
    _stand_still(PriceList.objects.all(), lists)
    _stand_still(Contract.objects.all(), contracts)


def _stand_still(rows: QuerySet[Any], codes: Collection[str]) -> None:
    for chunk in trade.chunks(codes):
        list(rows.filter(code__in=chunk).order_by("pk").select_for_update().values_list("pk"))


def problems(changes: Changes) -> list[Problem]:
    """Each change that is refused, with what to do instead."""
    return [problem for check in CHECKS for problem in check(changes)]


def _told(change: Change, refusals: kept_rules.Refusals) -> Iterator[Problem]:
    """What is of the whole row is told of the first field that would change."""
    for field, message in refusals:
        yield change.problem(field or change.names[0], message)


def _changed(changes: Changes, table: str) -> list[Change]:
    """Rows that are there, and would be others."""
    return [each for each in changes.get(table, ()) if each.before is not None]


def _known(
    changed: Sequence[Change], facts: Callable[[Collection[str]], Collection[str]]
) -> Iterator[tuple[Change, str, bool]]:
    """Each with its code, and whether `facts` has found it: asked once, for the codes of all."""
    found = facts({each.after.code for each in changed})
    for each in changed:
        yield each, each.after.code, each.after.code in found


def _visits(changes: Changes) -> Iterator[Problem]:
    """Visits that a document counts, and the weigh tickets of such, new ones as well."""
    visits = _changed(changes, "visits")
    tickets = [(each, _visits_of(each)) for each in changes.get("weigh_tickets", ())]
    on = billed.visits_on_documents({each.after.code for each in visits}.union(*(codes for _, codes in tickets)))
    for change in visits:
        yield from _told(change, _of_visit(change.after.code, on))
    for change, codes in tickets:
        for code in sorted(codes):
            for _, message in _of_visit(code, on):
                yield change.problem(change.names[0] if change.before else "visit", message)


def _visits_of(ticket: Change) -> set[str]:
    return {row.visit for row in (ticket.before, ticket.after) if row is not None}


def _of_visit(code: str, on: Mapping[str, Document]) -> kept_rules.Refusals:
    if document := on.get(code):
        yield from kept_rules.visit(code, str(document), final=document.state == Document.State.FINAL)


def _contracts(changes: Changes) -> Iterator[Problem]:
    for change, code, final in _known(_changed(changes, "contracts"), billed.final_contracts):
        yield from _told(change, kept_rules.contract(code, change.names, final=final))


def _services(changes: Changes) -> Iterator[Problem]:
    moved = [each for each in _changed(changes, "services") if {*kept_rules.OF_SERVICE} & {*each.names}]
    for change, code, is_billed in _known(moved, billed.services_until):
        yield from _told(change, kept_rules.service(code, change.names, billed=is_billed))


def _prices(changes: Changes) -> Iterator[Problem]:
    versions, lists = _changed(changes, "price_versions"), _changed(changes, "price_lists")
    periods = billed.billed_periods({each.after.price_list for each in versions} | {each.after.code for each in lists})
    for change in versions:
        before, after = change.before, change.after
        until = kept_rules.billed_with((before.valid_from, before.valid_until), periods[after.price_list])
        yield from _told(change, kept_rules.price_version(change.names, after.valid_until, until))
    for change in lists:
        code = change.after.code
        yield from _told(change, kept_rules.price_list(code, change.names, billed=bool(periods[code])))


def _coupons(changes: Changes) -> Iterator[Problem]:
    for change, code, used in _known(_changed(changes, "coupons"), billed.used_coupons):
        yield from _told(change, kept_rules.coupon(code, used=used))


def _stays(changes: Changes) -> Iterator[Problem]:
    changed = changes.get("stays", ())
    until = billed.services_until({each.after.service for each in changed})
    for change in changed:
        was, now = (
            (None, None) if row is None else (row.delivered_on, row.removed_on) for row in (change.before, change.after)
        )
        yield from _told(change, kept_rules.stay(was, now, until.get(change.after.service)))


def _spans(changes: Changes) -> Iterator[Problem]:
    """No visit is left outside of what is served."""
    for table, of in (("contracts", "service__contract__code"), ("services", "service__code")):
        for change in _changed(changes, table):
            if not {"starts_on", "ends_on", "ends"} & set(change.names):
                continue
            row, end = change.after, change.after.ends_on
            # A service's last day is read with its contract's `ends`: here, as late as that may be.
            if end is not None and (table == "services" or row.ends == "inclusive"):
                end += timedelta(days=1)
            visit = billed.visit_outside(Q(**{of: row.code}), row.starts_on, end)
            yield from _told(change, kept_rules.span(visit, row.starts_on))


def _taxes(changes: Changes) -> Iterator[Problem]:
    for change in _changed(changes, "tax_rates"):
        was = change.before
        taxed = billed.taxed(was.jurisdiction, was.tax_class, was.valid_from, was.valid_until)
        yield from _told(change, kept_rules.tax_rate(change.names, change.after.valid_until, taxed))
    for change, code, is_billed in _known(_changed(changes, "jurisdictions"), billed.billed_jurisdictions):
        yield from _told(change, kept_rules.jurisdiction(code, change.names, billed=is_billed))


def _published(changes: Changes) -> Iterator[Problem]:
    for change in changes.get("fuel_index", ()):
        yield from _told(change, kept_rules.fuel_index(billed.fuelled(change.after.code, change.after.published_on)))
    for change in _changed(changes, "exchange_rates"):
        row = change.after
        if "rate" in change.names:
            yield from _told(
                change, kept_rules.exchange_rate(row.on, used=billed.exchanged(row.base, row.quote, row.on))
            )


CHECKS: tuple[Callable[[Changes], Iterator[Problem]], ...] = (
    _visits, _contracts, _services, _prices, _coupons, _stays, _spans, _taxes, _published,
)  # fmt: skip
