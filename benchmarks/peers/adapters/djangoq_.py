import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adapters.dj_settings")
import django

django.setup()
from django_q.tasks import async_task  # noqa: E402


def enqueue(i, msg):
    async_task("pbtask.work", i, msg)


def enqueue_bulk(items):  # no bulk API
    for i, m in items:
        async_task("pbtask.work", i, m)
