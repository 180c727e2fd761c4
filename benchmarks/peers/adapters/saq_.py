import asyncio

import uvloop
from pbtask import CONC, OPT, RECOV, REDIS_URL, awork
from saq import Queue

ASYNC = True
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
queue = Queue.from_url(REDIS_URL)
KW = {}
if "retry3" in OPT:
    KW["retries"] = 3
if "res" not in OPT:
    KW["ttl"] = -1  # delete the job when done; default keeps it 600 s


async def work(ctx, *, i, msg):
    return await awork(i, msg)


settings = {"queue": queue, "functions": [work], "concurrency": CONC}
if RECOV == "short":
    settings["timers"] = {"sweep": 5}


async def setup():
    await queue.connect()


async def enqueue(i, msg):
    await queue.enqueue("work", i=i, msg=msg, **KW)


async def enqueue_bulk(items):  # no bulk API: gather (the queue itself throttles to 20)
    for k in range(0, len(items), 50):
        await asyncio.gather(*[enqueue(i, m) for i, m in items[k : k + 50]])


async def enqueue_at(i, msg, eta):
    await queue.enqueue("work", i=i, msg=msg, scheduled=eta, **KW)
