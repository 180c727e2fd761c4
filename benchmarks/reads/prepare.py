"""`python -m benchmarks.reads.prepare RUNS`: tables, rows and an API key in DATABASE_URL.

Prints one JSON object: the key's text, and ids to ask for (see fill.facts).
"""

from __future__ import annotations

import json
import os
import sys

import django


def main(count: int) -> None:
    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from benchmarks.reads import fill
    from queues.ledger.queue_settings import ensure_queues

    call_command("migrate", verbosity=0)
    ensure_queues()
    key = _key()
    connections.close_all()
    fill.fill(os.environ["DATABASE_URL"], count)
    print(json.dumps({"key": key, **fill.facts(os.environ["DATABASE_URL"])}))


def _key() -> str:
    """An admin's key for everything, with limits that are counted as ever and never in the way."""
    from django.contrib.auth.models import Group, User

    from queues import catalogue
    from queues.contract import Actor
    from queues.ledger import allowances, api_keys
    from queues.models import Allowance
    from queues.policy import ADMIN, Action

    actor, owner = Actor.system("benchmark"), User.objects.create(username="measurer")
    owner.groups.add(Group.objects.get_or_create(name=ADMIN)[0])
    key, text = api_keys.make("Reads", owner, actions=list(Action), queues=catalogue.NAMES, actor=actor)
    for bucket in Allowance.Bucket.values:
        row = Allowance(kind=Allowance.Kind.KEY, name=key.prefix, bucket=bucket, count=1_000_000, per_s=60)
        allowances.save_allowance(row, actor=actor)
    return text


if __name__ == "__main__":
    main(int(sys.argv[1]))
