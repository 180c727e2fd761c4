"""Claims whose commit nobody confirmed: the connection broke just then, and the ledger may have them or not.

If it has them, this worker holds runs that none of its slots knows of, and renews their lease for ever. So they are
remembered and given back by their tokens; where the commit did not happen, no run bears the token and nothing changes.
(It cannot happen later: the server ends a claim's transaction that stands still, see `brief`.)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from queues.ledger.facts import Batch

_doubtful: list[Batch] = []
_lock = threading.Lock()


@contextmanager
def in_doubt() -> Iterator[list[Batch]]:
    """Put what is being claimed into the list; if the block fails, it is remembered."""
    batches: list[Batch] = []
    try:
        yield batches
    except BaseException:
        with _lock:
            _doubtful.extend(batches)
        raise


def settle(give_back: Callable[[Sequence[Batch]], object]) -> None:
    """Have what is in doubt given back. If `give_back` raises, it stays in doubt."""
    with _lock:
        batches = list(_doubtful)
    if batches:
        give_back(batches)
        with _lock:
            _doubtful[:] = [batch for batch in _doubtful if batch not in batches]
