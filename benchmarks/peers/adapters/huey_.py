import datetime

from huey import PriorityRedisHuey, RedisHuey
from pbtask import OPT, REDIS_URL
from pbtask import work as _work

cls = PriorityRedisHuey if "prio" in OPT else RedisHuey
huey = cls("pb", url=REDIS_URL)


@huey.task(name="work")
def work(i, msg):
    return _work(i, msg)


def enqueue(i, msg):
    work(i, msg)


def enqueue_bulk(items):  # no bulk enqueue API (map() is a loop)
    for i, m in items:
        work(i, m)


def enqueue_at(i, msg, eta):
    work.schedule(args=(i, msg), eta=datetime.datetime.fromtimestamp(eta))
