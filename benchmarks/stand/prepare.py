"""`python -m benchmarks.stand.prepare`: make the tables and the queues' rows in DATABASE_URL."""

from __future__ import annotations

import django


def main() -> None:
    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from queues.ledger.queue_settings import ensure_queues

    call_command("migrate", verbosity=0)
    ensure_queues()
    connections.close_all()


if __name__ == "__main__":
    main()
