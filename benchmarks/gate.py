"""Fails when this commit costs over 10 % more CPU a job than the base commit: interleaved on the same machine.

    python benchmarks/gate.py [--base REV] [--rounds 5]     base: the merge base with origin/main, else the commit before

Both sides run `benchmarks/drain.py` on SQLite and an embedded server of their own. The figure compared is the least CPU
per 1,000 jobs of each side's rounds: the minimum is what noise cannot lower. A ratio past the limit is measured again, up
to three times the rounds, before it is believed. Where the base has no benchmark, it says so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1.10


def git(*args: str) -> str:
    return subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def base_revision() -> str:
    head = git("rev-parse", "HEAD")
    merged = git("merge-base", "HEAD", "origin/main")
    return merged if merged and merged != head else git("rev-parse", "--verify", "--quiet", "HEAD~1")


def measure(tree: Path, scratch: Path, redis_url: str) -> float:
    database = scratch / "gate.sqlite3"
    for left in scratch.glob("gate.sqlite3*"):
        left.unlink()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "project.settings.test",
        "DATABASE_URL": f"sqlite:///{database}",
        "REDIS_URL": redis_url,
    }
    ran = subprocess.run(
        [sys.executable, "benchmarks/drain.py"], cwd=tree, env=environment, capture_output=True, text=True, timeout=300
    )
    if ran.returncode:
        raise RuntimeError(f"the benchmark failed in {tree}:\n{ran.stderr[-2000:]}")
    return float(json.loads(ran.stdout.strip().splitlines()[-1])["worker_cpu_s_per_1000"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    base = options.base or base_revision()
    sys.path.insert(0, str(ROOT))
    from project.embedded.valkey import EmbeddedValkey

    with tempfile.TemporaryDirectory(prefix="gate-") as name:
        scratch = Path(name)
        with EmbeddedValkey(scratch / "redis") as server:
            if not base or not git("cat-file", "-t", f"{base}:benchmarks/drain.py"):
                print(
                    f"The base has no benchmark to compare with; here: {measure(ROOT, scratch, server.url)} CPU s per 1,000 jobs."
                )
                return 0
            tree = scratch / "base"
            subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(tree), base], cwd=ROOT, check=True)
            try:
                ours, theirs = [], []
                while len(ours) < options.rounds or (
                    len(ours) < 3 * options.rounds and min(ours) / min(theirs) > LIMIT
                ):
                    theirs.append(measure(tree, scratch, server.url))
                    ours.append(measure(ROOT, scratch, server.url))
            except RuntimeError as error:
                if str(tree) not in str(error):
                    raise
                print(f"The base {base[:10]} does not run here, so there is nothing to compare with: {error}")
                return 0
            finally:
                subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=False)
    ratio = min(ours) / min(theirs)
    print(
        json.dumps(
            {
                "base": base[:10],
                "cpu_s_per_1000": min(ours),
                "base_cpu_s_per_1000": min(theirs),
                "ratio": round(ratio, 3),
            }
        )
    )
    if ratio > LIMIT:
        print(f"A job costs {ratio:.0%} of the base commit's CPU; the limit is {LIMIT:.0%}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
