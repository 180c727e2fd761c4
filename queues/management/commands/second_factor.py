"""`manage.py second_factor remove NAME --reason WHY`: for somebody who lost the telephone and the backup codes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import second_factor


class Command(BaseCommand):
    help = "Removes the second factor of an account: the password alone signs it in, until it sets up another. Audited."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["remove"])
        parser.add_argument("username")
        parser.add_argument("--reason", required=True, help="why; kept in the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = get_user_model().objects.filter(username=options["username"]).first()
            if user is None:
                raise CommandError(f"There is no account named {options['username']!r}.")
            second_factor.remove(user, actor=Actor.at_the_terminal(), why=options["reason"])
        except WrongState as error:
            raise CommandError(str(error)) from None
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database does not answer: {' '.join(str(error).split())}", returncode=2) from None
        self.stdout.write(f"{user.get_username()} signs in with the password alone.")
