"""`manage.py import_instance FILE`: a waste-collection file becomes a service area that can be planned."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from queues.contract import Actor
from routing.errors import InstanceUnreadable
from routing.services import import_instance


class Command(BaseCommand):
    help = "Imports a waste-collection instance (Kim, Kim and Sahoo 2006 format) as a service area. Again is no harm."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--slug", help="the area's short name (made from the file's name)")
        parser.add_argument("--title", help="the area's name for people")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = Actor(label="import_instance", source="command")
        try:
            area = import_instance(options["file"], slug=options["slug"], title=options["title"], actor=actor)
        except InstanceUnreadable as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{area.title}: {area.servicestops.count()} stops. Plan it with the area name {area.slug!r}.")
