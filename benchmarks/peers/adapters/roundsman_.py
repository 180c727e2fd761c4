"""Roundsman itself: real jobs of a real registry, enqueued as a view or a service does."""

from datetime import UTC, datetime

import django

django.setup()
from benchmarks.stand.jobs import Message, Work, chosen  # noqa: E402

job = chosen()


def params(i, msg):
    return Work(i=i, msg=Message(**msg))


def enqueue(i, msg):
    job.enqueue(params(i, msg))


def enqueue_bulk(items):
    job.enqueue_many([params(i, msg) for i, msg in items])


def enqueue_at(i, msg, eta):
    job.enqueue(params(i, msg), at=datetime.fromtimestamp(eta, UTC))
