"""The executors, and jobs that hear, or do not hear, that they should end."""

from __future__ import annotations

import asyncio
import time

import pytest

from queues.models import Queue, Run

from ..conftest import QUEUE


def waits(ctx, params):
    while True:
        ctx.checkpoint()
        time.sleep(0.01)


def deaf(ctx, params):
    while True:
        time.sleep(0.01)


async def waits_async(ctx, params):
    await asyncio.sleep(600)


async def deaf_async(ctx, params):
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        await asyncio.sleep(600)  # once is not enough


@pytest.fixture(params=["threads", "asyncio", "children"])
def executor(request: pytest.FixtureRequest, queues_exist: None) -> str:
    return use(request.param)


@pytest.fixture
def children(queues_exist: None) -> str:
    """Their limit is above what this process has grown to by other tests, for they are copies of it."""
    return use("children", memory_limit_mb=16_384)


def use(name: str, **more) -> str:
    Queue.objects.filter(name=QUEUE).update(executor=name, **more)
    return name


def started(run_id) -> bool:
    return Run.objects.filter(pk=run_id, progress_note="begun").exists()


def begun(handler):
    """The handler, after a note that it has begun."""

    def wrapped(ctx, params):
        ctx.progress(0, 1, "begun")
        return handler(ctx, params)

    async def awaited(ctx, params):
        ctx.progress(0, 1, "begun")
        return await handler(ctx, params)

    return awaited if asyncio.iscoroutinefunction(handler) else wrapped


@pytest.fixture(autouse=True)
def told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queues.engine.writer.TELL_STARTED_AFTER_S", 0.05)
