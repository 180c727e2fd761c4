import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from pbtask import RECOV, REDIS_URL
from pbtask import work as _work

kw = {}
if RECOV == "short":
    kw = {"heartbeat_timeout": 10_000, "maintenance_chance": 100_000}
broker = RedisBroker(url=REDIS_URL, **kw)
dramatiq.set_broker(broker)


@dramatiq.actor(actor_name="work")
def work(i, msg):
    _work(i, msg)


def enqueue(i, msg):
    work.send(i, msg)


def enqueue_bulk(items):  # no bulk API (group.run() is a loop)
    for i, m in items:
        work.send(i, m)


def enqueue_at(i, msg, eta):
    work.send_with_options(args=(i, msg), delay=max(0, int((eta - time.time()) * 1000)))
