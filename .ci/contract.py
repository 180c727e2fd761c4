"""Is the schema true? Generated requests against the running server: `.ci/contract.py [--full] [--seed N]`.

Everything that /api/schema/ says is tried by schemathesis with all of its checks (see schemathesis.toml): what answers with
500, with what the schema does not tell of, or takes what the schema forbids, is a failure; and so is it if fewer requests
were made than promised. With --full four times as many, from another seed each time.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.live.stand import Stand

ROOT = Path(__file__).resolve().parents[1]
LEAST, LEAST_FULL = 5_000, 20_000
EXAMPLES, EXAMPLES_FULL = 10, 260  # an operation, in each phase that draws at random
SEED = 20261126
WORKERS = ("maintenance", "reports")  # nothing is planned here: that is long, and the generated client's test does it


def main() -> int:
    """0: the schema is true. 1: it is not, or too little was tried."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help=f"{LEAST_FULL:,} requests at least instead of {LEAST:,}")
    parser.add_argument("--seed", type=int, help="what another run was made from")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else secrets.randbelow(2**32) if options.full else SEED
    least, examples = (LEAST_FULL, EXAMPLES_FULL) if options.full else (LEAST, EXAMPLES)
    print(f"Seed {seed}.", flush=True)
    with tempfile.TemporaryDirectory(prefix="rc-", ignore_cleanup_errors=True) as name:
        folder, began = Path(name), time.monotonic()
        with Stand(folder, workers=WORKERS) as stand:
            code = _try(stand, folder / "report.json", seed, examples)
            found = json.loads((folder / "report.json").read_text()) if (folder / "report.json").exists() else {}
            errors = [line for line in stand.told("web").splitlines() if " ERROR " in line]
        return _verdict(code, found, errors, least, time.monotonic() - began)


def _try(stand: Stand, report: Path, seed: int, examples: int) -> int:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file",
        str(ROOT / ".ci/schemathesis.toml"),
    ]
    command += ["run", f"{stand.address}/api/schema/", "--url", stand.address, "--seed", str(seed), "--no-color"]
    command += ["--max-examples", str(examples), "--report-json-path", str(report)]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, "CONTRACT_KEY": stand.key, "NO_PROXY": "127.0.0.1"})


def _verdict(code: int, found: dict[str, Any], errors: list[str], least: int, took_s: float) -> int:
    made = int(found.get("test_cases", {}).get("generated", 0))
    print(f"{made:,} requests of {least:,} at least, in {took_s:.0f} s; {len(errors)} errors in the server's log.")
    for line in errors[:10]:
        print(line, file=sys.stderr)
    if code == 0 and made < least:
        print("Too few: raise EXAMPLES.", file=sys.stderr)
    return 0 if code == 0 and made >= least and not errors else 1


if __name__ == "__main__":
    sys.exit(main())
