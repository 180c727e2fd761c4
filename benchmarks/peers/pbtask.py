"""The job bodies, the payload and the settings that every adapter shares."""

import asyncio
import os
import time

from pbpure import payload  # noqa: F401  (adapters take it from here)
from pbrec import rec

REDIS_URL = os.environ.get("PB_REDIS_URL", "redis://127.0.0.1:16402/0")
REDIS_PORT = int(REDIS_URL.rsplit(":", 1)[1].split("/")[0])
PG_DSN = os.environ.get("PB_PG_DSN", "")
SLEEP = float(os.environ.get("PB_SLEEP_MS", "0")) / 1000
CONC = int(os.environ.get("PB_CONC", "10"))
RET = os.environ.get("PB_RET") == "1"  # return a value, so that it has to be stored
RECOV = os.environ.get("PB_RECOV", "")  # "short": recovery times cut to ~10 s
OPT = set(filter(None, os.environ.get("PB_OPT", "").split(",")))


def work(i, msg):
    r = rec()
    r.start(i)
    if SLEEP:
        time.sleep(SLEEP)
    r.end(i)
    return i if RET else None


async def awork(i, msg):
    r = rec()
    r.start(i)
    if SLEEP:
        await asyncio.sleep(SLEEP)
    r.end(i)
    return i if RET else None
