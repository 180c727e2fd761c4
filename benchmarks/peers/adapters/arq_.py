import asyncio
import datetime

import uvloop
from arq import create_pool, func
from arq.connections import RedisSettings
from pbtask import CONC, OPT, RECOV, REDIS_PORT, awork

ASYNC = True
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
RS = RedisSettings(host="127.0.0.1", port=REDIS_PORT)
LOG = {"version": 1, "disable_existing_loggers": False}
pool = None


async def work(ctx, i, msg):
    return await awork(i, msg)


class WorkerSettings:
    functions = [func(work, name="work", keep_result=0 if "res" not in OPT else 3600)]
    redis_settings = RS
    max_jobs = CONC
    log_results = False
    if "default" not in OPT:  # tuned: default is poll_delay 0.5 s, read limit 5 x max_jobs
        poll_delay = 0.01
        queue_read_limit = 1000
    if RECOV == "short":
        job_timeout = 10


async def setup():
    global pool
    pool = await create_pool(RS)


async def enqueue(i, msg):
    await pool.enqueue_job("work", i, msg)


async def enqueue_bulk(items):  # no bulk API: gather
    for k in range(0, len(items), 50):
        await asyncio.gather(*[pool.enqueue_job("work", i, m) for i, m in items[k : k + 50]])


async def enqueue_at(i, msg, eta):
    await pool.enqueue_job("work", i, msg, _defer_until=datetime.datetime.fromtimestamp(eta, datetime.UTC))
