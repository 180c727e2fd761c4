"""`manage.py api_key create|list|revoke`: keys of machines. The whole key goes to stdout once, and nowhere else."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from queues import catalogue
from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import api_keys, clock
from queues.models import ApiKey
from queues.policy import Action


class Command(BaseCommand):
    help = "Makes, lists and revokes the API keys of machines. Each deed is audited."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="a new key; it is printed once")
        create.add_argument("name", help="which machine it is for")
        create.add_argument("--owner", required=True, help="the account whose rights are the most it has")
        create.add_argument("--action", action="append", required=True, choices=[*Action], help="may be given again")
        create.add_argument("--queue", action="append", default=[], help="may be given again; `all`: every queue")
        create.add_argument("--days", type=int, help="how long it lasts; left out: until it is revoked")
        create.add_argument("--reason", default="", help="why; kept in the audit log")
        verbs.add_parser("list", help="the keys there are, the newest first")
        revoke = verbs.add_parser("revoke", help="refused from its next request on")
        revoke.add_argument("prefix", help="what follows rm_, up to the next _")
        revoke.add_argument("--reason", required=True, help="why; kept in the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(options)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None
        except WrongState as error:
            raise CommandError(str(error)) from None
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database does not answer: {' '.join(str(error).split())}", returncode=2) from None

    def _create(self, options: dict[str, Any]) -> None:
        owner = get_user_model().objects.filter(username=options["owner"]).first()
        if owner is None:
            raise CommandError(f"There is no account named {options['owner']!r}.")
        days = options["days"]
        key, text = api_keys.make(
            options["name"],
            owner,
            actions=options["action"],
            queues=catalogue.NAMES if "all" in options["queue"] else options["queue"],
            expires_at=None if days is None else clock.now() + timedelta(days=days),
            actor=Actor.at_the_terminal(),
            why=options["reason"],
        )
        self.stderr.write(f"{key.name} ({key.prefix}) for {owner.get_username()}. Keep it: it cannot be shown again.")
        self.stdout.write(text)

    def _list(self, options: dict[str, Any]) -> None:
        now = clock.now()
        for key in ApiKey.objects.select_related("owner"):
            state = "live" if key.is_live(now) else "revoked" if key.revoked_at else "expired"
            used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
            reach = f"{','.join(key.actions)} on {','.join(key.queues) or 'no queue'}"
            self.stdout.write(f"{key.prefix}  {state:<7}  used {used}  {key.owner.get_username()}: {reach}  {key.name}")

    def _revoke(self, options: dict[str, Any]) -> None:
        key = ApiKey.objects.filter(prefix=options["prefix"]).first()
        if key is None:
            raise CommandError(f"There is no key with the prefix {options['prefix']!r}.")
        api_keys.revoke(key, actor=Actor.at_the_terminal(), why=options["reason"])
        self.stdout.write(f"{key} is revoked.")
