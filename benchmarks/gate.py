"""Fails when this commit is over 10 % worse than the base commit at writing a job, at working it, or in memory.

    python benchmarks/gate.py [--base REV] [--most 10]     base: the merge base with origin/main, else the commit before

Two processes, one of each commit's code, each on SQLite and an embedded server of its own, work short turns in alternation
(`benchmarks/turns.py`). What is compared is CPU seconds a job, and the largest resident set. On a machine that others use the
CPU a job costs swings by half from second to second, so no single figure is believed: each pair of neighbouring turns gives a
ratio, and the median of the ratios is the answer. A process is luckier or unluckier by some per cent for as long as it lives
(where its memory lies, how its names hash), so every `BOUT` pairs two new ones begin. Bouts are added until the 99 % interval of
each median lies on one side of the limit, or `--most` are done. Where the base has no benchmark, it says so.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1.10
FIGURES = ("writer", "consumer", "memory")
BOUT, FEWEST = 25, 3  # pairs of turns; bouts


class DoesNotRun(Exception):
    """One side's process ended before its answer."""


class Side:
    """A commit's code in a process of its own: `turn()` lets it work two hundred jobs, and gives its three figures."""

    def __init__(self, name: str, tree: Path, scratch: Path, redis_url: str) -> None:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "project.settings.test",
            "DATABASE_URL": f"sqlite:///{scratch / name}.sqlite3",
            "REDIS_URL": redis_url,
        }
        command = [sys.executable, str(ROOT / "benchmarks/turns.py"), str(tree)]
        pipe = subprocess.PIPE
        self.errors = scratch / f"{name}.log"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                command, cwd=tree, env=environment, stdin=pipe, stdout=pipe, stderr=errors, text=True
            )

    def __enter__(self) -> Self:
        """Waits until it is ready. Raises DoesNotRun."""
        try:
            self._hear()
        except DoesNotRun:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.process.communicate(timeout=20)  # its input ends, and so it goes
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()

    def turn(self) -> dict[str, float]:
        """Raises DoesNotRun."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._hear()

    def _hear(self) -> dict[str, float]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise DoesNotRun(self.errors.read_text()[-2000:])
        answer: dict[str, float] = json.loads(line)
        return answer


def git(*args: str) -> str:
    return subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def base_revision() -> str:
    head = git("rev-parse", "HEAD")
    merged = git("merge-base", "HEAD", "origin/main")
    return merged if merged and merged != head else git("rev-parse", "--verify", "--quiet", "HEAD~1")


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Where the median lies with 99 %, whatever the ratios' distribution: two of them, by rank (the sign test's interval)."""
    ranked, half = sorted(ratios), len(ratios) / 2
    reach = 2.576 * math.sqrt(len(ratios)) / 2
    return ranked[max(math.floor(half - reach), 0)], ranked[min(math.ceil(half + reach), len(ranked) - 1)]


def settled(ratios: Sequence[float]) -> bool:
    """Whether the median is on one side of the limit beyond doubt."""
    low, high = interval(ratios)
    return high <= LIMIT or low > LIMIT


def bout(ours: Side, theirs: Side) -> dict[str, list[float]]:
    """The ratios ours/theirs of each figure, from a pair of turns each; who goes first alternates."""
    ratios: dict[str, list[float]] = {figure: [] for figure in FIGURES}
    ours.turn(), theirs.turn()  # the first turn imports, compiles and connects
    for pair in range(BOUT):
        if pair % 2:
            mine, base = ours.turn(), theirs.turn()
        else:
            base, mine = theirs.turn(), ours.turn()
        for figure in FIGURES:
            ratios[figure].append(mine[figure] / base[figure])
    return ratios


def compare(bouts: Iterable[dict[str, list[float]]]) -> dict[str, list[float]]:
    """All ratios of as many bouts as it takes to be sure, and of no more."""
    ratios: dict[str, list[float]] = {figure: [] for figure in FIGURES}
    for count, one in enumerate(bouts, start=1):
        for figure in FIGURES:
            ratios[figure] += one[figure]
        if count >= FEWEST and all(map(settled, ratios.values())):
            break
    return ratios


def report(base: str, ratios: dict[str, list[float]]) -> int:
    """Prints the medians and their intervals, and what is past the limit. Returns the exit code."""
    found: dict[str, object] = {"base": base[:10], "pairs": len(ratios["writer"])}
    for figure in FIGURES:
        low, high = interval(ratios[figure])
        found[figure] = {"ratio": round(median(ratios[figure]), 3), "from": round(low, 3), "to": round(high, 3)}
    print(json.dumps(found))
    worse = [figure for figure in FIGURES if median(ratios[figure]) > LIMIT]
    for figure in worse:
        measure = "resident memory" if figure == "memory" else f"{figure}'s CPU a job"
        print(
            f"The {measure} is {median(ratios[figure]):.0%} of the base commit's; the limit is {LIMIT:.0%}.",
            file=sys.stderr,
        )
    return 1 if worse else 0


@contextmanager
def checkout(revision: str, tree: Path) -> Iterator[None]:
    subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(tree), revision], cwd=ROOT, check=True)
    try:
        yield
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="")
    parser.add_argument("--most", type=int, default=10)
    options = parser.parse_args()
    base = options.base or base_revision()
    if not base or not git("cat-file", "-t", f"{base}:benchmarks/jobs.py"):
        print("The base has no benchmark to compare with.")
        return 0
    sys.path.insert(0, str(ROOT))
    from project.embedded.valkey import EmbeddedValkey

    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gate-")))
        tree = scratch / "base"
        stack.enter_context(checkout(base, tree))
        trees = {"ours": ROOT, "base": tree}
        servers = {name: stack.enter_context(EmbeddedValkey(scratch / f"redis-{name}")) for name in trees}

        def side(name: str) -> Side:
            return Side(name, trees[name], scratch, servers[name].url)

        def bouts() -> Iterator[dict[str, list[float]]]:
            for _ in range(options.most):
                with side("ours") as ours, side("base") as theirs:
                    yield bout(ours, theirs)

        try:
            with side("base") as theirs:
                theirs.turn()
        except DoesNotRun as error:
            print(f"The base {base[:10]} does not run here, so there is nothing to compare with: {error}")
            return 0
        return report(base, compare(bouts()))


if __name__ == "__main__":
    sys.exit(main())
