import datetime

from pbtask import CONC, OPT, RECOV, REDIS_URL, awork
from streaq import Worker

ASYNC = True
kw = {}
if RECOV == "short":
    kw["idle_timeout"] = 10
worker = Worker(redis_url=REDIS_URL, concurrency=CONC, anyio_kwargs={"use_uvloop": True}, **kw)


@worker.task(name="work", silent=True, ttl=300 if "res" in OPT else 0)
async def work(i, msg):
    return await awork(i, msg)


def context():
    return worker


async def enqueue(i, msg):
    await work.enqueue(i, msg)


async def enqueue_bulk(items):
    for k in range(0, len(items), 500):
        await worker.enqueue_many([work.enqueue(i, m) for i, m in items[k : k + 500]])


async def enqueue_at(i, msg, eta):
    await work.enqueue(i, msg).start(schedule=datetime.datetime.fromtimestamp(eta, datetime.UTC))
