"""The SQL that parts who owns the tables from who works on them (PostgreSQL). Pure: names in, statements out.

The owner's role migrates. The application's reads and writes everything but the audit log and its seals, to which it only
adds; it owns nothing, so it can neither lift a trigger nor drop a table.
"""

from __future__ import annotations

import re

AUDIT = ("queues_auditentry", "queues_auditseal")
NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)


def statements(database: str, owner: str, app: str, schema: str = "public") -> list[str]:
    """To be run by a superuser, in this order, in this database; again is no harm. Raises ValueError for a bad name."""
    for role in (owner, app):
        if not NAME.fullmatch(role) or role.startswith("pg_"):
            raise ValueError(f"{role!r} is no name for a role: a-z, 0-9 and _, not beginning with a digit or pg_.")
    if owner == app:
        raise ValueError("The owner's role and the application's must be two.")
    database, schema = (f'"{name.replace(chr(34), chr(34) * 2)}"' for name in (database, schema))
    tables = ", ".join(f"{schema}.{table}" for table in AUDIT)
    return [
        *(_role(name) for name in (owner, app)),
        f"REVOKE {owner} FROM {app}",
        f"REVOKE CREATE ON DATABASE {database} FROM PUBLIC, {app}",
        f"GRANT CONNECT ON DATABASE {database} TO {owner}, {app}",
        f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {app}",
        f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner}",
        f"GRANT USAGE ON SCHEMA {schema} TO {app}",
        _own(owner, schema),
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {app}",
        f"GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {app}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema}"
        f" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT SELECT, USAGE ON SEQUENCES TO {app}",
        f"DO $$ BEGIN IF to_regclass('{schema}.{AUDIT[0]}') IS NOT NULL AND to_regclass('{schema}.{AUDIT[1]}') IS NOT NULL"
        f" THEN REVOKE ALL ON {tables} FROM PUBLIC, {app}; GRANT SELECT, INSERT ON {tables} TO {app}; END IF; END $$",
        f"DO $$ BEGIN IF to_regclass('{schema}.django_migrations') IS NOT NULL"  # what is applied is the owner's to say
        f" THEN REVOKE INSERT, UPDATE, DELETE ON {schema}.django_migrations FROM {app}; END IF; END $$",
    ]


def _role(name: str) -> str:
    plain = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN CREATE ROLE {name} {plain};"
        f" ELSE ALTER ROLE {name} {plain}; END IF; END $$"
    )


def _own(owner: str, schema: str) -> str:
    """Tables (with their indexes and sequences), views and functions; extensions keep theirs."""
    literal = "'" + schema.strip('"').replace("'", "''") + "'"
    return f"""DO $$ DECLARE thing record; BEGIN
    FOR thing IN
        SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind,
               c.oid::regclass::text AS name
        FROM pg_class c
        WHERE c.relnamespace = {literal}::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
          AND pg_get_userbyid(c.relowner) <> '{owner}'
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i', 'e') AND d.classid = 'pg_class'::regclass)
    LOOP EXECUTE format('ALTER %s %s OWNER TO {owner}', thing.kind, thing.name); END LOOP;
    FOR thing IN
        SELECT p.oid::regprocedure::text AS name FROM pg_proc p
        WHERE p.pronamespace = {literal}::regnamespace AND p.prokind IN ('f', 'p') AND pg_get_userbyid(p.proowner) <> '{owner}'
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP EXECUTE format('ALTER ROUTINE %s OWNER TO {owner}', thing.name); END LOOP;
END $$"""
