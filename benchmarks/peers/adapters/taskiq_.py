import asyncio
import datetime

from pbtask import OPT, RECOV, REDIS_URL, awork
from taskiq import TaskiqScheduler
from taskiq_redis import ListQueueBroker, ListRedisScheduleSource, RedisAsyncResultBackend, RedisStreamBroker

ASYNC = True
if "list" in OPT:
    broker = ListQueueBroker(REDIS_URL)
else:
    kw = {"consumer_id": "0"}
    if RECOV == "short":
        kw.update(idle_timeout=10_000, unacknowledged_lock_timeout=10)
    broker = RedisStreamBroker(REDIS_URL, **kw)
if "res" in OPT:
    broker = broker.with_result_backend(RedisAsyncResultBackend(REDIS_URL, result_ex_time=3600))
source = ListRedisScheduleSource(REDIS_URL)
scheduler = TaskiqScheduler(broker, [source])


@broker.task(task_name="work")
async def work(i: int, msg: dict):
    return await awork(i, msg)


async def setup():
    await broker.startup()
    if "sched" in OPT:
        await source.startup()


async def enqueue(i, msg):
    await work.kiq(i, msg)


async def enqueue_bulk(items):  # no bulk API: gather
    for k in range(0, len(items), 50):
        await asyncio.gather(*[work.kiq(i, m) for i, m in items[k : k + 50]])


async def enqueue_at(i, msg, eta):
    await work.schedule_by_time(source, datetime.datetime.fromtimestamp(eta, datetime.UTC), i, msg)
