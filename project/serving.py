"""What a web process does beside answering."""

from __future__ import annotations

import gc

from django.conf import settings
from django.urls import reverse

from project.logs import uvicorn_log
from queues.engine import reread
from queues.watch.pools import Keeper, this_process

ON_SQLITE = 4


def begin() -> None:
    """Once in each process that serves, after Django is set up: its code is there, its connections are kept warm and told of, a
    read whose connection breaks is read again, the server's own lines go into our log, and what is there by now is never
    looked through for rubbish again."""
    uvicorn_log.take_over()
    reverse("admin:index")  # all pages' code is read now, not while the first who asks waits half a second for it
    reread.install()
    Keeper(this_process("web"), settings.REDIS).serve()
    gc.collect()
    gc.freeze()  # else one look in a while takes as long as thirty requests, and all of them wait for it


def threads() -> int:
    """How many requests a process works on at once: one for each database connection it may have, so that none waits in
    vain for a connection. On SQLite a few: one writes at a time there, and who waits looks at the lock now and then, so that
    of many some wait for seconds. The others wait before the door, first come, first served."""
    pool = settings.DATABASES["default"].get("OPTIONS", {}).get("pool") or {}
    return int(pool.get("max_size", ON_SQLITE))
