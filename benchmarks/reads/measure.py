"""Asking: the reads by turns at a fixed rate, and creation beside the bare view."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.own import load
from benchmarks.reads.addresses import PAGED, addresses
from benchmarks.reads.report import Answer, Row, by_name, times, wrong
from benchmarks.reads.shares import ENQUEUED
from benchmarks.reads.stage import BARE_PATH, Web
from benchmarks.reads.turns import turns

CLIENTS, PAGES = 20, 3
CREATED_S = 20.0  # creations a second, and as many of the bare view
WARM_S = 5.0
PATH = "/api/v1/queue/jobs"
Make = Callable[[int], bytes]


async def reads(web: Web, facts: Mapping[str, Any], *, rate_s: float, seconds: float) -> Row:
    """`addresses`: each by itself; the times of all; errors; ms of the web process' CPU for one."""
    paths = addresses(facts)
    for name in PAGED:
        paths[f"runs: {name}, further pages"] = _pages(web, facts["key"], paths[f"runs: {name}"][0]) or paths["run"]
    count = int(rate_s * (seconds + WARM_S)) + CLIENTS
    asked = turns(paths, count)
    names = {_get(path, facts["key"]): name for name, path in asked}
    order = iter([_get(path, facts["key"]) for _, path in asked])

    def make(_: int) -> bytes:
        return next(order)

    await load.run(web.port, [make] * CLIENTS, rate_s=rate_s, seconds=WARM_S)
    before = web.cpu_s()
    told = await load.run(web.port, [make] * CLIENTS, rate_s=rate_s, seconds=seconds)
    cpu_s, answers = web.cpu_s() - before, _answers(told, names)
    return {
        **times([each.ms for each in answers]),
        "n": len(answers),
        "errors": wrong(answers, "200"),
        "unasked": told.unasked,
        "cpu_ms": round(cpu_s / len(answers) * 1000, 3),
        "addresses": by_name(answers),
    }


async def creation(web: Web, barely: Web, facts: Mapping[str, Any], *, seconds: float) -> Row:
    """The times of creating a job and of the bare view, asked at the same time, and the one's by the other's."""
    body = json.dumps({"job": ENQUEUED, "params": {"n": 7}}).encode()
    ours = load.post(PATH, facts["key"], body)
    theirs = load.post(BARE_PATH, "nobody", body)
    for length in (WARM_S, seconds):
        both = await asyncio.gather(
            load.run(web.port, [lambda _: ours] * CLIENTS, rate_s=CREATED_S, seconds=length),
            load.run(barely.port, [lambda _: theirs] * CLIENTS, rate_s=CREATED_S, seconds=length),
        )
    created, stored = (times([wait * 1000 for wait in told.waits]) for told in both)
    return {
        "ours": created,
        "bare": stored,
        "errors": {status: n for told in both for status, n in told.statuses.items() if status != "202"},
        **{f"ratio_{part}": round(created[part] / stored[part], 2) for part in ("p50", "p95", "mean")},
    }


def _pages(web: Web, key: str, path: str) -> list[str]:
    """The paths of the pages behind a list's first."""
    found = []
    for _ in range(PAGES):
        asked = urllib.request.Request(f"http://127.0.0.1:{web.port}{path}", headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            path = json.load(answer)["next"]
        if path is None:
            break
        found.append(path)
    return found


def _get(path: str, key: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


def _answers(told: load.Told, names: Mapping[bytes, str]) -> list[Answer]:
    return [
        Answer(names[asked], status, round(wait * 1000, 3))
        for asked, status, wait in zip(told.asked, told.in_turn, told.waits, strict=True)
    ]
