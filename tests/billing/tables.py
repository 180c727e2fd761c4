"""Files of a small hauler as somebody would write them, for tests of the import."""

from __future__ import annotations

import json
from collections.abc import Iterable

from billing.interchange.reading import Table, read
from billing.interchange.tables import TABLES
from billing.services.imports import Report, import_tables
from queues.contract import Actor

ACTOR = Actor(label="anna", source="command")
RULES = json.dumps([{"rule": "pick_up", "code": "pick_up", "title": "Pick-up", "amount": "25.00"}]).replace('"', '""')
FILES = {
    "sellers": "code,name,street,postcode,city,country,currency,approve_above\nmain,Haulage,Kai 1,1010,Wien,AT,EUR,10000\n",
    "customers": "code,name,time_zone,street,postcode,city,country\nC-1,Ente,Europe/Vienna,Gasse 2,1020,Wien,AT\n",
    "sites": "code,customer,name,street,postcode,city,country,time_zone\nS-1,C-1,Hof,Gasse 2,1020,Wien,AT,Europe/Vienna\n",
    "jurisdictions": "code,title\nAT,Austria\n",
    "tax_rates": "jurisdiction,rate,valid_from\nAT,20,2020-01-01\n",
    "price_lists": "code,title,currency\nPL,Bins,EUR\n",
    "price_versions": f'price_list,valid_from,rules\nPL,2026-01-01,"{RULES}"\n',
    "contracts": "code,customer,jurisdiction,currency,starts_on,anchor\nK-1,C-1,AT,EUR,2026-01-01,2026-01-01\n",
    "services": (
        "code,contract,site,price_list,title,container_type,size,pattern,weekdays,starts_on\n"
        "K-1/1,K-1,S-1,PL,Residual waste,bin,1100 l,weekly,Mon Thu,2026-01-01\n"
    ),
    "visits": "code,service,planned_on,day,outcome\nV-1,K-1/1,2026-10-05,2026-10-05,done\nV-2,K-1/1,2026-10-08,2026-10-08,blocked\n",
    "weigh_tickets": "code,visit,gross,tare,unit\nW-1,V-1,4.5,1.25,short_ton\n",
}


def tables(**files: str) -> list[Table]:
    return [read(TABLES[name], text.encode()) for name, text in files.items()]


def with_row(table: str, *lines: str) -> dict[str, str]:
    """The small hauler, with more rows in one of its files."""
    return FILES | {table: FILES[table] + "".join(f"{line}\n" for line in lines)}


def instead(table: str, old: str, new: str) -> dict[str, str]:
    """The small hauler, with something else in one of its files."""
    assert old in FILES[table]
    return FILES | {table: FILES[table].replace(old, new)}


def bring(files: dict[str, str], *, dry_run: bool = False) -> Report:
    return import_tables(tables(**files), actor=ACTOR, dry_run=dry_run)


def told(report: Report) -> list[str]:
    return [str(each) for each in report.problems]


def only(names: Iterable[str], files: dict[str, str]) -> dict[str, str]:
    return {name: files[name] for name in names}
