"""Questions to the database from the event loop: one thread and one connection of a process ask for all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")
_THREAD = ThreadPoolExecutor(1, "poll")


async def ask(question: Callable[[], T]) -> T:
    """The answer of a function that reads; its connection is given back before. Raises what it raises."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, _given_back, question)


def _given_back(question: Callable[[], T]) -> T:
    try:
        return question()
    finally:
        connection.close()  # to the pool, where there is one
