#!/usr/bin/env python3
"""Measure Roundsman beside its peers, on this machine: `python3 benchmarks/run.py --quick` or `--full`.

--quick   under ten minutes with all installs: one round, the peers that the figures need
--full    about an hour: three interleaved rounds, the best configuration of each peer, memory, depth, API; the rows go to
          benchmarks/results/full.jsonl and the page docs/explanation/performance.md is made from them

The last line of stdout is one JSON object with the figures (benchmarks/figures.py says what each is); null is what was
not measured. Rows and progress go to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.figures import figures  # noqa: E402
from benchmarks.peers.places import HERE, VENVS, WORK  # noqa: E402
from benchmarks.rows import Row, Rows, is_ours, read  # noqa: E402
from project.bootstrap import CannotStart, check_python, ensure_environment  # noqa: E402

# The most telling first: a quick run may have no time for the last.
TESTS = ("drain", "drain2", "single", "bulk", "latency", "at", "io50", "io100", "crash", "commit", "flow", "footprint",
         "fairness", "memory", "depth", "scaling", "api")  # fmt: skip
NOT_QUICK = ("scaling",)
QUICK_BUDGET_S = 570.0
RESULTS = ROOT / "benchmarks" / "results" / "full.jsonl"
BEGAN = "ROUNDSMAN_BENCH_BEGAN"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--quick", action="store_true")
    which.add_argument("--full", action="store_true")
    parser.add_argument("--tests", default="", help=f"only these, by commas: {', '.join(TESTS)}")
    parser.add_argument("--rounds", type=int, help="1 with --quick, 3 with --full")
    parser.add_argument(
        "--out", type=Path, help="where the rows go (a temporary folder, or benchmarks/results/full.jsonl)"
    )
    parser.add_argument("--keep", action="store_true", help="add to the rows there are instead of starting anew")
    options = parser.parse_args()
    began = float(os.environ.setdefault(BEGAN, str(time.time())))  # we may be started again, inside the environment
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    try:
        check_python(sys.version_info[:2])
        ensure_environment(dev=False, argv=sys.argv)
        install_peers(["main"] if options.quick else ["main", "arq"])
    except CannotStart as trouble:
        print(trouble, file=sys.stderr)
        return 2
    say(f"Everything is installed ({time.time() - began:.0f} s).")
    out = options.out or (RESULTS if options.full and not options.tests else WORK / "run.jsonl")
    measure(options, out, began)
    rows = read(out)
    if out.resolve() == RESULTS:
        subprocess.run([sys.executable, "-m", "benchmarks.page"], cwd=ROOT, check=True, stdout=sys.stderr)
    print(json.dumps(figures(Rows(rows))), flush=True)
    failed = [row for row in rows if "error" in row]
    for row in failed:
        say(f"Failed: {row['test']} {row['config']}: {row['error'][-300:]}")
    return 1 if any(is_ours(row["config"]) for row in failed) else 0


def install_peers(names: list[str]) -> None:
    """Make the peers' environments where they are missing. Raises CannotStart."""
    ran = subprocess.run(["bash", str(HERE / "setup.sh"), *names], env={**os.environ, "PB_PYTHON": base_python()})
    if ran.returncode:
        raise CannotStart("The peers could not be installed; what is missing is said above.")


def base_python() -> str:
    """The Python that made the environment we run in: environments made by another environment's Python are fragile."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")


def measure(options: argparse.Namespace, out: Path, began: float) -> None:
    """One process for all tests, so that they are interleaved. A quick run leaves out what it has no time for."""
    tests = options.tests.split(",") if options.tests else [t for t in TESTS if options.full or t not in NOT_QUICK]
    out.parent.mkdir(parents=True, exist_ok=True)
    if not options.keep:
        out.unlink(missing_ok=True)
    command = [str(VENVS["main"] / "bin" / "python"), "-m", "benchmarks.peers.bench", "--tests", ",".join(tests)]
    command += ["--set", "full" if options.full else "quick", "--out", str(out.resolve())]
    command += ["--rounds", str(options.rounds or (3 if options.full else 1)), "--quiet", "3" if options.full else "0"]
    if options.quick:
        command += ["--scale", "0.5", "--max-drain", "12", "--until", str(began + QUICK_BUDGET_S)]
    env = {**os.environ, "PB_VENV_ROUNDSMAN": sys.prefix}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as bench:
        try:
            assert bench.stdout is not None
            for line in bench.stdout:
                row = json.loads(line)
                if row["test"] != "machine":
                    say(f"{time.time() - began:5.0f} s  {told(row)}")
        finally:
            if bench.poll() is None:
                bench.terminate()
    if bench.returncode:
        raise SystemExit(f"The measurement ended with code {bench.returncode}; see above and the logs in {WORK}.")


def told(row: Row) -> str:
    """A row for a person."""
    shown = ("jobs_s", "of_limit", "p50", "p95", "p99", "cpu_s_1k", "lost", "recovered_after_s", "one_mb", "growth_mb",
             "bytes_per_job", "cmds_per_job", "million_waiting_ratio", "million_finished_ratio", "max_s", "error_share", "error")  # fmt: skip
    figures_of = "  ".join(f"{name} {row[name]}" for name in shown if row.get(name) is not None)
    return f"{row['test']:<10} {row['config']:<28} {figures_of[:200]}"


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
