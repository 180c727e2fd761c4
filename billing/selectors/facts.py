"""All that the documents of some contracts are made of, in a constant number of queries, however many contracts there are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

import pydantic
from django.db.models import Q

from billing.drafting import Coupon
from billing.errors import CannotPrice
from billing.facts import Stay, Visit
from billing.models import Contract, Document, Line, PriceVersion, Service, Standing
from billing.models import Coupon as CouponRow
from billing.models import Stay as StayRow
from billing.models import Visit as VisitRow
from billing.money import major
from billing.proration import Period
from billing.rating import Billed, Served
from billing.rules import RULES
from billing.selectors.dossier import Dossier
from billing.selectors.due import OF_PERIODS, History, span_of
from billing.serving import Span, Version


def dossiers(
    contracts: Sequence[Contract], periods: Mapping[int, Sequence[Period]], past: History, *, home: str, renewed: Collection[UUID] = ()
) -> list[Dossier]:  # fmt: skip
    """Those contracts (read with customer and jurisdiction) that have periods to bill. `renewed`: drafts that are made anew, so
    that what is on them is free. Seven queries at most."""
    made = {
        each.pk: Dossier(each, [], home, past.billed.get(each.pk, ())) for each in contracts if periods.get(each.pk)
    }
    services = Service.objects.filter(contract__in=made).select_related("price_list", "site").order_by("code")
    by_id = {each.pk: each for each in services}
    for dossier in made.values():
        dossier.services = [each for each in by_id.values() if each.contract_id == dossier.contract.pk]
    _add_coupons(made, renewed)
    visits = _visits(made, by_id, periods, renewed)
    versions, stays = _versions(by_id.values()), _stays(by_id)
    for dossier in made.values():
        try:
            dossier.served = {
                each.code: _served(each, dossier.contract, versions[each.price_list_id], visits.get(each.pk, ()), stays[each.pk])
                for each in dossier.services
            }  # fmt: skip
        except CannotPrice as trouble:
            dossier.trouble = trouble
    return list(made.values())


def _add_coupons(made: Mapping[int, Dossier], renewed: Collection[UUID]) -> None:
    free = Q(used_on=None) | Q(used_on__in=renewed)
    for row in CouponRow.objects.filter(free, contract__in=made).order_by("code"):
        dossier = made[row.contract_id]
        amount = major(row.amount_minor, dossier.contract.currency)
        dossier.coupons.append(Coupon(row.code, row.title, amount, Span(row.valid_from, row.valid_until)))
        dossier.coupon_ids[row.code] = row.pk


def _visits(
    made: Mapping[int, Dossier], services: Mapping[int, Service], periods: Mapping[int, Sequence[Period]], renewed: Collection[UUID]
) -> Mapping[int, Sequence[VisitRow]]:  # fmt: skip
    """By service: those of the periods, those that came late, and all of the periods that these belong to. Fills in the dossiers'
    `free`, `visit_ids` and `said`."""
    found: dict[int, dict[str, VisitRow]] = defaultdict(dict)

    def read(which: Q) -> None:
        for row in VisitRow.objects.filter(which).select_related("ticket").order_by("day", "code"):
            service = services[row.service_id]
            dossier = made[service.contract_id]
            found[service.pk][row.code] = row
            dossier.visit_ids[row.code] = row.pk
            if row.billed_on_id is None or row.billed_on_id in renewed:
                dossier.free.setdefault(service.code, {})[row.code] = row.day

    if services:
        first = min(period.start for each in made for period in periods[each])
        end = max(period.end for each in made for period in periods[each])
        free = Q(billed_on=None) | Q(billed_on__in=renewed)
        read((Q(day__gte=first) | free) & Q(service__in=services, day__lt=end))
    late = {
        (row.pk, earlier)
        for row in services.values()
        for earlier in made[row.contract_id].late_periods(row.code, periods[row.contract_id][-1].start)
    }
    if late:
        of_late = {pk for pk, _ in late}
        read(
            Q(
                service__in=of_late,
                day__gte=min(each.start for _, each in late),
                day__lt=max(each.end for _, each in late),
            )
        )
        _add_said(made, services, late)
    return {pk: list(rows.values()) for pk, rows in found.items()}


def _add_said(
    made: Mapping[int, Dossier], services: Mapping[int, Service], late: Collection[tuple[int, Period]]
) -> None:
    """What documents that stand say of those periods: by the line's own `since`, else by its document's period."""
    codes, starts = {services[pk].code for pk, _ in late}, {earlier.start for _, earlier in late}
    contracts = {services[pk].contract_id for pk, _ in late}
    wanted = {(services[pk].code, earlier.start) for pk, earlier in late}
    documents = Document.objects.filter(OF_PERIODS, contract__in=contracts, state=Document.State.FINAL)
    lines = Line.objects.filter(
        Q(since__in=starts) | Q(since=None, document__period_start__in=starts), service__in=codes,
        document__in=documents.exclude(standing__state=Standing.State.VOID),
    )  # fmt: skip
    said: dict[int, dict[tuple[str, date], list[Billed]]] = defaultdict(lambda: defaultdict(list))
    for line in lines.select_related("document").order_by("document__period_start", "document__generation", "position"):
        key = (line.service, line.since or line.document.period_start)
        if key in wanted and line.document.contract_id is not None:
            amount = major(line.amount_minor, line.document.currency)
            turned = -amount if line.document.kind == Document.Kind.CREDIT_NOTE else amount
            said[line.document.contract_id][key].append(Billed(line.code, line.title, line.rule, turned))  # type: ignore[index]
    for contract_id, keyed in said.items():
        made[contract_id].said = keyed


def _versions(services: Collection[Service]) -> Mapping[int, list[PriceVersion]]:
    found: dict[int, list[PriceVersion]] = defaultdict(list)
    lists = {each.price_list_id for each in services}
    for row in PriceVersion.objects.filter(price_list__in=lists).order_by("valid_from"):
        found[row.price_list_id].append(row)
    return found


def _stays(services: Collection[int]) -> Mapping[int, list[StayRow]]:
    found: dict[int, list[StayRow]] = defaultdict(list)
    for row in StayRow.objects.filter(service__in=services).order_by("delivered_on"):
        found[row.service_id].append(row)
    return found


def _served(
    service: Service, contract: Contract, versions: Sequence[PriceVersion], visits: Sequence[VisitRow], stays: Sequence[StayRow]
) -> Served:  # fmt: skip
    """Raises CannotPrice."""
    span = span_of(contract).and_also(Span.agreed(service.starts_on, service.ends_on, contract.ends))  # type: ignore[arg-type]
    return Served(
        service.code, span,
        [Version(Span(each.valid_from, each.valid_until), rules_of(each, service.price_list.code)) for each in versions],
        [_visit(each) for each in sorted(visits, key=lambda row: (row.day, row.code))],
        [Stay(each.delivered_on, each.removed_on) for each in stays],
        service.site.code, service.price_list.code, service.price_list.tax_class,
    )  # fmt: skip


def _visit(row: VisitRow) -> Visit:
    ticket = getattr(row, "ticket", None)
    return Visit(
        row.code, row.day, row.outcome, row.extra, row.contaminated, row.containers, None if ticket is None else ticket.net_kg  # type: ignore[arg-type]
    )  # fmt: skip


def rules_of(version: PriceVersion, price_list: str) -> Sequence[Any]:
    """The version's rules. Raises CannotPrice."""
    try:
        return _parsed(json.dumps(version.rules))
    except pydantic.ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise CannotPrice(
            f"price_lists.{price_list}",
            f"Its version of {version.valid_from} cannot be read: rules.{path}: {first['msg']}.",
        ) from None


@lru_cache(maxsize=2000)
def _parsed(rules: str) -> Sequence[Any]:
    return RULES.validate_json(rules)
