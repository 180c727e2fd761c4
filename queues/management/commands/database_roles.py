"""`manage.py database_roles [--apply]`: two roles for PostgreSQL, one that owns and migrates, one for the application."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, connection, transaction

from queues.ledger import database_roles

AFTER = """-- Then give each a password (psql: \\password {owner}, \\password {app}), run the application as {app}
-- and `manage.py migrate` as {owner}."""


class Command(BaseCommand):
    help = (
        "Prints the SQL that sets up an owner's role, which migrates, and an application's role, which can only add to "
        "the audit log; --apply runs it. DATABASE_URL must be a superuser's for that. Again is no harm."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--owner", default="roundsman_owner", help="the role that migrates (%(default)s)")
        parser.add_argument("--app", default="roundsman_app", help="the application's role (%(default)s)")
        parser.add_argument("--apply", action="store_true", help="run it, in one transaction")

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("Roles are PostgreSQL's; this database is a file whose owner is who may write to it.")
        owner, app = options["owner"], options["app"]
        try:
            found = database_roles.statements(str(connection.settings_dict["NAME"]), owner, app)
        except ValueError as error:
            raise CommandError(str(error)) from None
        if not options["apply"]:
            self.stdout.write("\n".join(f"{sql};" for sql in found))
            self.stdout.write(AFTER.format(owner=owner, app=app))
            return
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for sql in found:
                    cursor.execute(sql)
        except (DatabaseError, InterfaceError) as error:
            told = " ".join(str(error).split())
            raise CommandError(f"Nothing was changed: {told} (DATABASE_URL must be a superuser's.)") from None
        self.stdout.write(f"{owner} owns the tables; {app} works on them and only adds to the audit log.")
        self.stdout.write(AFTER.format(owner=owner, app=app))
