"""`manage.py switch NAME on|off|environment --reason WHY`: throw a switch while the system runs; alone, how they stand."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import switches

POSITIONS = {"on": True, "off": False, "environment": None}


class Command(BaseCommand):
    help = (
        "Throws a switch: in force on every worker within two seconds, without a deploy, and audited. "
        "Without a name it shows how all of them stand, and by whose word."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = ", ".join(spec.name for spec in switches.SWITCHES)
        parser.add_argument("name", nargs="?", help=f"one of: {names}; or the name of its variable")
        parser.add_argument("to", nargs="?", choices=POSITIONS, help="environment: as its variable says")
        parser.add_argument("--reason", default="", help="why; kept in the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        name, to = options["name"], options["to"]
        if name is not None and to is None:
            raise CommandError(f"Say where to: manage.py switch {name} on|off|environment --reason WHY")
        try:
            if name is None:
                self.stdout.write(table(switches.positions()))
                return
            stands = switches.throw(name, POSITIONS[to], actor=Actor.at_the_terminal(), why=options["reason"])
        except (switches.UnknownSwitch, WrongState) as error:
            hint = " Add --reason WHY." if not options["reason"].strip() and name is not None else ""
            raise CommandError(f"{error}{hint}") from None
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database does not answer: {' '.join(str(error).split())}", returncode=2) from None
        self.stdout.write(f"{table([stands])}\nIn force on every worker within two seconds.")


def table(found: Iterable[switches.Position]) -> str:
    """A line each: its name, how it stands, and by whose word."""
    return "\n".join(f"{each.spec.name:<14} {'on ' if each.on else 'off'}  {_word(each)}" for each in found)


def _word(position: switches.Position) -> str:
    row = position.row
    if row is None:
        return f"by {position.spec.variable}"
    return f"thrown by {row.changed_by} at {row.changed_at:%Y-%m-%d %H:%M:%S} UTC: {row.reason}"
