"""The producing side. One process, one operation, one JSON line on stdout.

python client.py ADAPTER single N | fill LO HI | latency N GAP_MS | at N LEAD_S GAP_MS
"""

import asyncio
import contextlib
import importlib
import json
import os
import resource
import sys
import time

from pbpure import payload, summary
from pbrec import rec


def cpu():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime


async def sleep(s):
    if SYNC:
        time.sleep(s)
    else:
        await asyncio.sleep(s)


SYNC = False


async def wait_done(r, lo, hi, limit=60):
    t0 = time.time()
    while r.n_ended(lo, hi) < hi - lo:
        await sleep(0.02)
        if time.time() - t0 > limit:
            raise SystemExit(f"warm-up jobs not done: {r.n_ended(lo, hi)} of {hi - lo}")


def main():
    global SYNC
    ad = importlib.import_module("adapters." + sys.argv[1] + "_")
    op, args = sys.argv[2], [float(x) for x in sys.argv[3:]]
    is_async = getattr(ad, "ASYNC", False)
    if is_async:
        import uvloop

        out = uvloop.run(amain(ad, op, args))
    else:  # no event loop at all: a synchronous caller, as in a Django view
        SYNC = True
        if hasattr(ad, "setup"):
            ad.setup()
        co = run(ad, op, args, False)
        try:
            co.send(None)
            raise SystemExit("a synchronous adapter suspended")
        except StopIteration as e:
            out = e.value
    print("RESULT " + json.dumps(out))
    sys.stdout.flush()
    os._exit(0)


async def amain(ad, op, args):
    async with ad.context() if hasattr(ad, "context") else contextlib.AsyncExitStack():
        if hasattr(ad, "setup"):
            await ad.setup()
        return await run(ad, op, args, True)


async def run(ad, op, args, is_async):
    if op == "single":
        n = int(args[0])
        msgs = [payload() for _ in range(n)]
        for k in range(100):
            x = ad.enqueue(k, msgs[k])
            if is_async:
                await x
        lat = []
        pc = time.perf_counter
        c0, t0 = cpu(), pc()
        for k in range(n):
            a = pc()
            if is_async:
                await ad.enqueue(k, msgs[k])
            else:
                ad.enqueue(k, msgs[k])
            lat.append(pc() - a)
        wall = pc() - t0
        return summary(lat) | {
            "ops_s": round(n / wall, 1),
            "cpu_s_1k": round((cpu() - c0) / n * 1000, 4),
            "calls": n + 100,
        }
    if op == "fill":
        lo, hi = map(int, args)
        items = [(i, payload()) for i in range(lo, hi)]
        c0, t0 = cpu(), time.perf_counter()
        x = ad.enqueue_bulk(items)
        if is_async:
            await x
        wall = time.perf_counter() - t0
        return {
            "jobs_s": round((hi - lo) / wall, 1),
            "wall": round(wall, 3),
            "cpu_s_1k": round((cpu() - c0) / (hi - lo) * 1000, 4),
        }
    if op == "latency":
        n, gap = int(args[0]), args[1] / 1000
        r = rec()
        msgs = [payload() for _ in range(n + 20)]
        for k in range(n, n + 20):
            x = ad.enqueue(k, msgs[k])
            if is_async:
                await x
        await wait_done(r, n, n + 20)
        await sleep(1.0)
        tq, te = [], []
        nxt = time.time()
        for k in range(n):
            nxt += gap
            d = nxt - time.time()
            if d > 0:
                await sleep(d)
            tq.append(time.time())
            if is_async:
                await ad.enqueue(k, msgs[k])
            else:
                ad.enqueue(k, msgs[k])
            te.append(time.time())
        await wait_done(r, 0, n)
        lat = [r.first_start(k) - tq[k] for k in range(n)]
        return summary(lat) | {"enq": summary([b - a for a, b in zip(tq, te, strict=True)])}
    if op == "at":
        n, lead, gap = int(args[0]), args[1], args[2] / 1000
        r = rec()
        for k in range(n, n + 20):
            x = ad.enqueue(k, payload())
            if is_async:
                await x
        await wait_done(r, n, n + 20)
        t0 = time.time()
        eta = []
        late_enq = 0
        for k in range(n):
            e = t0 + lead + k * gap
            # keep the lead: a job is enqueued `lead` s before its ETA at the earliest
            d = e - lead - time.time()
            if d > 0:
                await sleep(d)
            late_enq += time.time() > e
            eta.append(e)
            x = ad.enqueue_at(k, payload(), e)
            if is_async:
                await x
        with contextlib.suppress(SystemExit):
            await wait_done(r, 0, n, 40)
        late = [r.first_start(k) - eta[k] for k in range(n) if r.first_start(k)]
        return summary(late) | {
            "min": round(min(late) * 1000, 2),
            "missing": n - len(late),
            "enqueued_after_eta": late_enq,
        }
    raise SystemExit("unknown op " + op)


if __name__ == "__main__":
    main()
