"""Saxon in a process of its own: it takes half a gigabyte and never gives it back, so that this process ends when nobody has asked for a while.

`python -m tests.billing.paper.judge`: a line of JSON in ([stylesheet, XML]), a line of JSON out (the report, SVRL).
"""

from __future__ import annotations

import atexit
import json
import select
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

IDLE_S = 20.0
ROOT = Path(__file__).resolve().parents[3]
_process: subprocess.Popen[str] | None = None


def report(stylesheet: Path, xml: bytes) -> str:
    """What the stylesheet says of the document."""
    asked = json.dumps([str(stylesheet), xml.decode()])
    for _ in range(2):  # one that was about to end is followed by another
        if answer := _ask(_there(), asked):
            return str(json.loads(answer))
        end()
    raise RuntimeError("Saxon ended without a word: see what it wrote to stderr.")


def _ask(process: subprocess.Popen[str], asked: str) -> str:
    assert process.stdin and process.stdout
    try:
        process.stdin.write(f"{asked}\n")
        process.stdin.flush()
        return process.stdout.readline()
    except BrokenPipeError:
        return ""


def _there() -> subprocess.Popen[str]:
    global _process
    if _process is not None and _process.poll() is not None:
        end()
    if _process is None:
        _process = subprocess.Popen(
            [sys.executable, "-m", __name__], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )  # fmt: skip
    return _process


@atexit.register
def end() -> None:
    """The process there is, if any."""
    global _process
    if _process is not None:
        with suppress(BrokenPipeError):  # of what it did not read
            _process.communicate(timeout=30)
        _process = None


@cache
def _compiled(stylesheet: str) -> tuple[Any, Any]:
    import saxonche

    processor = saxonche.PySaxonProcessor(license=False)
    return processor, processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=stylesheet)


def serve() -> None:
    """Until the other end is closed, or silent for so long."""
    while select.select([sys.stdin], [], [], IDLE_S)[0] and (line := sys.stdin.readline()):
        stylesheet, xml = json.loads(line)
        processor, rules = _compiled(stylesheet)
        said = rules.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml))
        print(json.dumps(said), flush=True)  # noqa: T201  (its answer)


if __name__ == "__main__":
    serve()
