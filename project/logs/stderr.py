"""Where log lines go."""

from __future__ import annotations

import logging
import sys
from typing import TextIO


class Stderr(logging.StreamHandler[TextIO]):
    """sys.stderr as it is when a line is written: who captures the output puts another there, and closes that one later."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr
