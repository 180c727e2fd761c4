"""The floor: redis-py + hiredis, JSON, no library. Not reliable, not a product."""

import json
import sys
import time

import redis
from pbtask import REDIS_URL, work

r = redis.Redis.from_url(REDIS_URL)
Q = "raw:q"


def enqueue(i, msg):
    r.lpush(Q, json.dumps((i, msg)))


def enqueue_bulk(items):
    for k in range(0, len(items), 500):
        p = r.pipeline(transaction=False)
        for it in items[k : k + 500]:
            p.lpush(Q, json.dumps(it))
        p.execute()


def worker(mode):
    loads = json.loads
    if mode == "state":  # batch pop, run, one pipelined state write for the batch
        n = 0
        while True:
            got = r.rpop(Q, 100)
            if not got:
                one = r.brpop(Q, timeout=1)
                if not one:
                    continue
                got = [one[1]]
            p = r.pipeline(transaction=False)
            for raw in got:
                i, msg = loads(raw)
                work(i, msg)
                now = time.time()
                jid = msg["messageId"]
                p.hset("raw:job:" + jid, mapping={"status": "finished", "ended_at": now})
                p.zadd("raw:finished", {jid: now})
            p.execute()
            n += len(got)
    elif mode == "pop":  # one BRPOP a job, at most once
        while True:
            one = r.brpop(Q, timeout=1)
            if one:
                work(*loads(one[1]))
    elif mode == "blmove":  # at least once: BLMOVE, run, LREM
        while True:
            raw = r.blmove(Q, "raw:processing", 1, "RIGHT", "LEFT")
            if raw:
                work(*loads(raw))
                r.lrem("raw:processing", 1, raw)
    elif mode == "ack+next":  # the same, with LREM and next move in one round trip
        raw = None
        while True:
            if raw is None:
                raw = r.blmove(Q, "raw:processing", 1, "RIGHT", "LEFT")
                if raw is None:
                    continue
            i, msg = loads(raw)
            work(i, msg)
            now = time.time()
            p = r.pipeline(transaction=False)
            p.lrem("raw:processing", 1, raw)
            p.hset("raw:job:" + msg["messageId"], mapping={"status": "finished", "ended_at": now})
            p.zadd("raw:finished", {msg["messageId"]: now})
            p.lmove(Q, "raw:processing", "RIGHT", "LEFT")
            raw = p.execute()[-1]


if __name__ == "__main__":
    worker(sys.argv[1])
