#!/usr/bin/env python3
"""What the machine can do below any library: redis-benchmark, and redis-py + hiredis loops.  Interleaved rounds."""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time

import redis

ap = argparse.ArgumentParser()
ap.add_argument("--rounds", type=int, default=3)
ap.add_argument("--port", type=int, default=16422)
ap.add_argument("--n", type=int, default=10000)
a = ap.parse_args()
d = tempfile.mkdtemp()
srv = subprocess.Popen(
    ["redis-server", "--port", str(a.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", d],
    stdout=subprocess.DEVNULL,
)
r = redis.Redis(port=a.port)
for _ in range(100):
    try:
        r.ping()
        break
    except redis.ConnectionError:
        time.sleep(0.05)
MSG = json.dumps(
    [
        1,
        {
            "messageId": "3f1c2b6e-6d0c-4c5e-9f4e-1d2c3b4a5f6e",
            "userId": "user-123",
            "messageType": "BIRTHDAY",
            "scheduledSendTime": "2026-11-22T16:48:02.000000+00:00",
            "timestamp": 1795366168191,
            "retryCount": 0,
        },
    ]
).encode()
LUA = "redis.call('LPUSH', KEYS[1], ARGV[1]) redis.call('HSET', KEYS[2], 'data', ARGV[1], 'status', 'queued') return 1"
script = r.register_script(LUA)
script(keys=["l", "h"], args=[MSG])


def rb(*args):
    out = subprocess.run(
        ["redis-benchmark", "-p", str(a.port), "-q", *args], capture_output=True, text=True, timeout=60
    ).stdout
    return float(re.findall(r"([\d.]+) requests per second", out)[-1])


def timed(fn, n):
    t0, c0 = time.perf_counter(), time.process_time()
    fn(n)
    w, c = time.perf_counter() - t0, time.process_time() - c0
    return n / w, c / n * 1000


def lpush(n):
    for _ in range(n):
        r.lpush("q", MSG)


def lpush_pipe(n):
    for _ in range(n // 500):
        p = r.pipeline(transaction=False)
        for _ in range(500):
            p.lpush("q", MSG)
        p.execute()


def lpush_variadic(n):
    for _ in range(n // 500):
        r.lpush("q", *[MSG] * 500)


def blmove(n):
    for _ in range(n):
        r.blmove("q", "p", 1, "RIGHT", "LEFT")


def brpop(n):
    for _ in range(n):
        r.brpop("q", 1)


def rpop100(n):
    for _ in range(n // 100):
        r.rpop("q", 100)


def evalsha(n):
    for i in range(n):
        script(keys=["l", f"h:{i}"], args=[MSG])


def evalsha_pipe(n):
    for k in range(n // 500):
        p = r.pipeline(transaction=False)
        for i in range(500):
            p.evalsha(script.sha, 2, "l", f"h:{k * 500 + i}", MSG)
        p.execute()


def packed(n):
    """500 LPUSH packed by hand as one buffer: what remains is hiredis and the socket."""
    c = r.connection_pool.get_connection()
    buf = c.pack_commands([("LPUSH", "q", MSG)] * 500)
    buf = b"".join(buf)
    for _ in range(n // 500):
        c._sock.sendall(buf)
        for _ in range(500):
            c.read_response()
    r.connection_pool.release(c)


res = {}
try:
    for _rnd in range(a.rounds):
        r.flushall()
        row = {
            "redis-benchmark LPUSH -c1": (rb("-c", "1", "-n", "20000", "-t", "lpush", "-d", "250"), None),
            "redis-benchmark LPUSH -c50": (rb("-c", "50", "-n", "60000", "-t", "lpush", "-d", "250"), None),
            "redis-benchmark LPUSH -c1 -P100": (
                rb("-c", "1", "-P", "100", "-n", "500000", "-t", "lpush", "-d", "250"),
                None,
            ),
            "redis-benchmark EVALSHA LPUSH+HSET -c1": (
                rb("-c", "1", "-n", "15000", "evalsha", script.sha, "2", "l", "h", MSG.decode()),
                None,
            ),
            "redis-benchmark EVALSHA LPUSH+HSET -c1 -P100": (
                rb("-c", "1", "-P", "100", "-n", "200000", "evalsha", script.sha, "2", "l", "h", MSG.decode()),
                None,
            ),
        }
        r.flushall()
        for fn, n in [
            (lpush, a.n),
            (lpush_pipe, a.n * 4),
            (lpush_variadic, a.n * 10),
            (packed, a.n * 10),
            (blmove, a.n),
            (brpop, a.n),
            (rpop100, a.n * 10),
            (evalsha, a.n),
            (evalsha_pipe, a.n * 2),
        ]:
            row["redis-py " + fn.__name__] = timed(fn, n)
        ref = row["redis-benchmark LPUSH -c1"][0]
        for k, v in row.items():
            res.setdefault(k, []).append((v[0], v[0] / ref, v[1]))
    for k, v in res.items():
        cpu = [x[2] for x in v if x[2] is not None]
        print(
            json.dumps(
                {
                    "test": "limits",
                    "config": k,
                    "ops_s": round(statistics.median(x[0] for x in v)),
                    "best": round(max(x[0] for x in v)),
                    "x_ref": round(statistics.median(x[1] for x in v), 2),
                    "client_cpu_ms_per_op": round(statistics.median(cpu), 4) if cpu else None,
                }
            )
        )
        sys.stdout.flush()
finally:
    srv.terminate()
    srv.wait(10)
