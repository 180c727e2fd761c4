"""Django's LOGGING for a format, and what it takes beside: exceptions that nobody caught are records, too."""

from __future__ import annotations

import logging
import logging.config
import sys
import threading
from types import TracebackType
from typing import Any

FORMATS = {"json": "project.logs.formats.Json", "line": "project.logs.formats.Line"}
log = logging.getLogger("roundsman")


def logging_of(format_: str, level: str) -> dict[str, Any]:
    """The value of LOGGING: everything goes to stderr, in this format; no logger has a handler of its own."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"it": {"()": FORMATS[format_]}},
        "filters": {"blot": {"()": "queues.blotting.LogFilter"}},  # what is sealed of the run that writes
        "handlers": {"stderr": {"class": "project.logs.stderr.Stderr", "formatter": "it", "filters": ["blot"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {name: {"handlers": [], "propagate": True} for name in ("django", "django.server")},
    }


def configure(config: dict[str, Any]) -> None:
    """LOGGING_CONFIG. With JSON, warnings and uncaught exceptions come as lines of it as well, where nobody looks on."""
    logging.config.dictConfig(config)
    if config["formatters"]["it"]["()"] == FORMATS["json"] and not sys.stderr.isatty():
        logging.captureWarnings(True)
        sys.excepthook = uncaught
        threading.excepthook = uncaught_in_thread


def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """In place of sys.excepthook, which writes many lines, secrets and all."""
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("The process ends: %s.", kind.__name__, exc_info=(kind, error, trace))


def uncaught_in_thread(told: Any) -> None:
    """In place of threading.excepthook."""
    if told.exc_type is not SystemExit:
        name = told.thread.name if told.thread is not None else "unknown"
        log.critical("The thread %s ends: %s.", name, told.exc_type.__name__, exc_info=told[:3])
