"""What an import must not change, since something was billed by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from billing.interchange.plan import Change
from billing.interchange.problems import Problem
from billing.interchange.reading import Table
from billing.models import Document, PriceList, Service
from billing.selectors import fixed, trade
from billing.services import kept_days

Changes = Mapping[str, Sequence[Change]]
OF_CONTRACT = ("customer", "jurisdiction", "currency", "anchor", "every")
OF_PRICE_LIST = ("currency", "tax_mode", "tax_class")
LATER = "add a version from a later day"


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
    for chunk in trade.chunks(lists):
        list(PriceList.objects.filter(code__in=chunk).order_by("pk").select_for_update().values_list("pk"))
    fixed.hold(contracts)


def problems(changes: Changes) -> list[Problem]:
    """Each change that is refused, with what to do instead."""
    return [problem for check in CHECKS for problem in check(changes)]


def _visits(changes: Changes) -> Iterator[Problem]:
    """Visits that a document counts, and the weigh tickets of such, new ones as well."""
    visits = [each for each in changes.get("visits", ()) if each.before is not None]
    tickets = [(each, _visits_of(each)) for each in changes.get("weigh_tickets", ())]
    on = fixed.visits_on_documents({each.after.code for each in visits}.union(*(codes for _, codes in tickets)))
    for change in visits:
        if change.after.code in on:
            yield change.problem(change.names[0], _billed(change.after.code, on[change.after.code]))
    for change, codes in tickets:
        for code in codes:
            if code in on:
                yield change.problem(change.names[0] if change.before else "visit", _billed(code, on[code]))


def _visits_of(ticket: Change) -> set[str]:
    return {row.visit for row in (ticket.before, ticket.after) if row is not None}


def _billed(visit: str, document: Document) -> str:
    if document.state == Document.State.FINAL:
        return f"Visit {visit} was billed on {document.number}: it is not changed any more. Make a credit note."
    of_run = f" of run {document.run.code}" if document.run else ""
    return f"Visit {visit} is on a draft{of_run}: send that draft back, or discard the run, and import again."


def _contracts(changes: Changes) -> Iterator[Problem]:
    changed = [each for each in changes.get("contracts", ()) if each.before is not None]
    moved = [
        each for each in changes.get("services", ()) if each.before is not None and {"contract", "price_list"} & set(each.names)
    ]  # fmt: skip
    codes = {each.after.id for each in changed} | {row.contract for each in moved for row in (each.before, each.after)}
    done = fixed.billed_contracts(codes)
    for change in changed:
        for name in OF_CONTRACT:
            if name in change.names and change.after.id in done:
                yield change.problem(
                    name, f"Contract {change.after.id} has final documents: its {name} stays. End it, and make another."
                )
    for change in moved:
        if {change.before.contract, change.after.contract} & done:
            name = "contract" if "contract" in change.names else "price_list"
            yield change.problem(
                name, f"Service {change.after.id} is billed with another {name}: end it, and make another."
            )


def _prices(changes: Changes) -> Iterator[Problem]:
    versions = [each for each in changes.get("price_versions", ()) if each.before is not None]
    lists = [each for each in changes.get("price_lists", ()) if each.before is not None]
    days = fixed.billed_days({each.after.price_list for each in versions} | {each.after.id for each in lists})
    for change in versions:
        before, after = change.before, change.after
        by_it = [
            (start, end) for start, end in days[after.price_list]
            if end > before.valid_from and (before.valid_until is None or start < before.valid_until)
        ]  # fmt: skip
        last = max((end for _, end in by_it), default=None)
        if last is None:
            continue
        if "rules" in change.names:
            yield change.problem("rules", f"Final documents were made with this version, up to {last}: {LATER}.")
        elif after.valid_until is not None and after.valid_until < min(last, before.valid_until or last):
            yield change.problem(
                "valid_until", f"Final documents were made with this version, up to {last}: end it then, or later."
            )
    for change in lists:
        for name in OF_PRICE_LIST:
            if name in change.names and days[change.after.id]:
                yield change.problem(
                    name,
                    f"Final documents were made with price list {change.after.id}: its {name} stays. Make another list.",
                )


def _coupons(changes: Changes) -> Iterator[Problem]:
    changed = [each for each in changes.get("coupons", ()) if each.before is not None]
    used = fixed.used_coupons({each.after.id for each in changed})
    for change in changed:
        if change.after.id in used:
            yield change.problem(change.names[0], f"Coupon {change.after.id} is used: it is not changed any more.")


CHECKS: tuple[Callable[[Changes], Iterator[Problem]], ...] = (
    _visits, _contracts, _prices, _coupons, kept_days.stays, kept_days.spans, kept_days.tax_rates, kept_days.fuel,
)  # fmt: skip
