"""uvicorn's own lines in our format. It sets its loggers up by itself before the application is there."""

from __future__ import annotations

import logging


def take_over() -> None:
    """Its loggers write through ours; an access log that is switched off (`--no-access-log`) stays so."""
    for name in ("uvicorn", "uvicorn.access"):
        logger = logging.getLogger(name)
        if logger.handlers:
            logger.handlers.clear()
            logger.propagate = True
    logging.getLogger("uvicorn.access").addFilter(without_query)


def without_query(record: logging.LogRecord) -> bool:
    """A query may hold what is nobody's to read, whatever it is called: the path is enough."""
    if isinstance(record.args, tuple) and len(record.args) == 5:
        client, method, path, version, status = record.args
        shown = str(path).partition("?")
        record.args = (client, method, f"{shown[0]}?…" if shown[1] else shown[0], version, status)
    return True
