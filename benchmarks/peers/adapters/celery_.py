import datetime
import os

from celery import Celery
from pbtask import OPT, RECOV, REDIS_URL
from pbtask import work as _work

if "djres" in OPT:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adapters.dj_settings")
    import django

    django.setup()

app = Celery("pb", broker=REDIS_URL)
app.conf.update(
    task_ignore_result=not ({"res", "djres"} & OPT),
    task_acks_late="late" in OPT,
    task_reject_on_worker_lost="late" in OPT,
    broker_connection_retry_on_startup=True,
    task_serializer="json",
    accept_content=["json"],
    worker_hijack_root_logger=False,
)
if "res" in OPT:
    app.conf.result_backend = REDIS_URL
if "djres" in OPT:
    app.conf.result_backend = "django-db"
if "pf64" in OPT:
    app.conf.worker_prefetch_multiplier = 64
if RECOV == "short":
    app.conf.broker_transport_options = {
        "visibility_timeout": 10,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }


@app.task(name="work")
def work(i, msg):
    return _work(i, msg)


def enqueue(i, msg):
    work.apply_async((i, msg))


def enqueue_bulk(items):  # no bulk API: one producer, a loop
    with app.producer_or_acquire() as p:
        for it in items:
            work.apply_async(it, producer=p)


def enqueue_at(i, msg, eta):
    work.apply_async((i, msg), eta=datetime.datetime.fromtimestamp(eta, datetime.UTC))
