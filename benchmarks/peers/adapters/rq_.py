import datetime

import redis
from pbtask import OPT, REDIS_URL, work
from rq import Queue, Retry

conn = redis.Redis.from_url(REDIS_URL)
q = Queue("default", connection=conn)
KW = {}
if "rttl0" in OPT:
    KW["result_ttl"] = 0
if "retry3" in OPT:
    KW["retry"] = Retry(max=3)


def enqueue(i, msg):
    q.enqueue(work, i, msg, **KW)


def enqueue_bulk(items):
    for k in range(0, len(items), 500):
        q.enqueue_many([Queue.prepare_data(work, (i, m), **KW) for i, m in items[k : k + 500]])


def enqueue_at(i, msg, eta):
    q.enqueue_at(datetime.datetime.fromtimestamp(eta, datetime.UTC), work, i, msg)
