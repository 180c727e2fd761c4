"""Two databases that are alike to the byte: one has a calm month, the other a rough one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql

from project.chaos.servers import Servers

CALM = "calm"


def twin(servers: Servers, folder: Path) -> dict[str, Any]:
    """A copy of the database as it is. Returns what a process must `aim` its settings at."""
    connections.close_all()
    here = connections.settings["default"]["NAME"]
    if servers.postgres is None:
        there = str(folder / "calm.sqlite3")
        with closing(sqlite3.connect(here)) as source, closing(sqlite3.connect(there)) as target:
            source.backup(target)
        return {"NAME": there}
    with psycopg.connect(f"{servers.postgres.url.rsplit('/', 1)[0]}/postgres", autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(CALM), sql.Identifier(str(here)))
        )
    return {"NAME": CALM}
