"""What contracts, services, visits and weigh tickets must agree in. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from billing.interchange.plan import World
from billing.interchange.problems import Problem
from billing.interchange.telling import at, of_pair


def services(world: World) -> Iterator[Problem]:
    """Within their contracts, at the customer's sites, in the contract's currency, in one tax mode."""
    touched = {row.code for _, row in world.incoming("contracts")}
    lists = {row.code for _, row in world.incoming("price_lists")}
    sites = {row.code for _, row in world.incoming("sites")}
    mode_of: dict[str, Any] = {}
    for service in world.rows.get("services", {}).values():
        contract, prices = world.find("contracts", service.contract), world.find("price_lists", service.price_list)
        ours = world.source(service) is not None or service.contract in touched
        if contract is not None and ours:
            yield from _within(world, service, contract)
        site = world.find("sites", service.site)
        if (
            contract is not None
            and site is not None
            and (ours or service.site in sites)
            and site.customer != contract.customer
        ):
            yield from of_pair(
                world, service, "site", site, "customer", f"Site {site.code} is {site.customer}'s, and contract {contract.code} {contract.customer}'s."
            )  # fmt: skip
        if contract is None or prices is None:
            continue
        ours = ours or service.price_list in lists
        if ours and prices.currency != contract.currency:
            yield from of_pair(
                world, service, "price_list", prices if service.price_list in lists else contract, "currency",
                f"Price list {prices.code} is in {prices.currency}, and contract {contract.code} in {contract.currency}: they are to be the same.",
            )  # fmt: skip
        first = mode_of.setdefault(contract.code, (service, prices))
        if first[1].tax_mode != prices.tax_mode and (ours or world.source(first[0]) or first[1].code in lists):
            message = f"Price list {prices.code} has {prices.tax_mode} prices, and {first[1].code} of service {first[0].code} {first[1].tax_mode} ones: a contract has one tax mode."
            row = service if world.source(service) else first[0]
            other = prices if prices.code in lists else first[1]
            yield from of_pair(world, row, "price_list", other, "tax_mode", message)


def _within(world: World, service: Any, contract: Any) -> Iterator[Problem]:
    if service.starts_on < contract.starts_on:
        yield from of_pair(
            world, service, "starts_on", contract, "starts_on",
            f"The service starts on {service.starts_on}, before its contract {contract.code}, on {contract.starts_on}.",
        )  # fmt: skip
    if contract.ends_on is not None:
        if service.ends_on is not None and service.ends_on > contract.ends_on:
            yield from of_pair(
                world, service, "ends_on", contract, "ends_on",
                f"The service ends on {service.ends_on}, after its contract {contract.code}, on {contract.ends_on}.",
            )  # fmt: skip
        if service.starts_on > contract.ends_on:
            yield from of_pair(
                world, service, "starts_on", contract, "ends_on",
                f"The service starts on {service.starts_on}, after its contract {contract.code} has ended, on {contract.ends_on}.",
            )  # fmt: skip


def visits_are_served(world: World) -> Iterator[Problem]:
    for read, visit in world.incoming("visits"):
        service = world.find("services", visit.service)
        contract = service and world.find("contracts", service.contract)
        if contract and not contract.serves(visit.day, service.starts_on, service.ends_on):
            yield at(
                read, "day", f"Service {service.code} is not served on {visit.day}: it is {_span(service, contract)}."
            )


def _span(service: Any, contract: Any) -> str:
    ends = [each for each in (service.ends_on, contract.ends_on) if each is not None]
    since = max(service.starts_on, contract.starts_on)
    return f"from {since}" + (f" to {_last(min(ends), contract)}" if ends else " on")


def _last(end: date, contract: Any) -> date:
    return end if contract.ends == "inclusive" else end - timedelta(days=1)


def tickets(world: World) -> Iterator[Problem]:
    """One a visit, and only of visits that were made."""
    of_visit: dict[str, Any] = {}
    for ticket in world.rows.get("weigh_tickets", {}).values():
        other = of_visit.setdefault(ticket.visit, ticket)
        if other is not ticket:
            yield from of_pair(
                world, ticket, "visit", other, "visit", f"Visit {ticket.visit} has ticket {other.code} already."
            )
        visit = world.find("visits", ticket.visit)
        if visit is not None and visit.outcome != "done":
            yield from of_pair(
                world, ticket, "visit", visit, "outcome", f"Visit {visit.code} is {visit.outcome}: nothing can be weighed of it."
            )  # fmt: skip
