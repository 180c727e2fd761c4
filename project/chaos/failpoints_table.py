"""`--failpoints`: a process dies at every numbered step of the protocol, N times, and healthy ones go on."""

from __future__ import annotations

import json
import os
import select
import socket
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from project.chaos import bank, processes, reading, scenes, schedules
from project.chaos.facts import Journal
from project.chaos.lane import Lane, NotReached, make_databases
from project.chaos.orders import LIMITS
from project.chaos.stage import Stage, tell
from project.chaos.verdict import judge
from queues.failpoints import POINTS

SIDE_BY_SIDE = 6
WIDTH = 100  # numbers of a scene's jobs
LIMIT_S = 60.0  # of one scene


@dataclass
class Row:
    """One step. `troubles` are what makes it fail, in words."""

    point: str
    what: str
    kills: int = 0
    lost: int = 0
    doubled: int = 0
    troubles: list[str] = field(default_factory=list)


def main(stage: Stage, options: Namespace) -> int:
    """Prints the table and, last, a JSON object. Returns the exit code."""
    stage.begin({})
    began = time.monotonic()
    work = [(point, n) for n in range(options.failpoints) for point in POINTS]
    numbered = [(number, point) for number, (point, _) in enumerate(work)]
    make_databases(SIDE_BY_SIDE, stage.folder)
    shares = [numbered[lane::SIDE_BY_SIDE] for lane in range(SIDE_BY_SIDE)]
    lines = []
    for number, share in enumerate(shares):
        log = stage.folder / "logs" / f"lane-{number}.log"
        lines.append(processes.forked_with_socket(lambda line, n=number, s=share: play(stage, n, s, line), log=log))  # type: ignore[misc]
    told = gather([line for _, line in lines], len(numbered))
    for pid, line in lines:
        processes.close(line)
        os.waitpid(pid, 0)
    rows = add_up(told, dict(numbered), options.failpoints)
    print(table(rows), flush=True)
    for row in rows:
        for trouble in row.troubles[:5]:
            tell(f"{row.point}: {trouble}")
    bad = [row.point for row in rows if row.lost or row.doubled or row.troubles or row.kills < options.failpoints]
    print(json.dumps({
        "steps": len(rows), "kills": sum(row.kills for row in rows), "lost": sum(row.lost for row in rows),
        "doubled": sum(row.doubled for row in rows), "bad": bad, "took_s": round(time.monotonic() - began, 1),
        "database": options.database,
    }), flush=True)  # fmt: skip
    return 1 if bad else 0


def play(stage: Stage, number: int, share: Sequence[tuple[int, str]], line: socket.socket) -> None:
    """In the lane's process: its scenes, then its verdict."""
    lane = Lane(number, stage.folder, stage.servers.redis.url)
    try:
        for scene, point in share:
            told: dict[str, object] = {"scene": scene}
            try:
                scenes.scene_of(point)(lane, point, scene * WIDTH)
                told["killed"] = True
            except NotReached as error:
                told["trouble"] = str(error)
            except KeyError:
                told["trouble"] = "no scene leads there"
            _say(line, told)
        for found in find(lane, share):
            _say(line, found)
    finally:
        lane.close()


def find(lane: Lane, share: Sequence[tuple[int, str]]) -> list[dict[str, object]]:
    """What the lane's ledger holds against its scenes."""
    record = reading.read()
    orders = frozenset(key for key in record.orders)
    journal = Journal(lane.acknowledged, in_order=orders)
    verdict = judge(record, journal, LIMITS)
    found: list[dict[str, object]] = []
    books = bank.charges(lane.folder / "bank.txt")
    charged = {run.key for run in record.runs if run.job == "chaos.charge"}
    verdict.duplicates += [f"{key}: charged {count} times" for key, count in books.items() if count > 1]
    verdict.lost += [f"{key}: never charged" for key in charged if not books[key]]
    for kind, told in (
        ("lost", verdict.lost), ("doubled", verdict.duplicates), ("doubled", verdict.phantoms),
        ("trouble", verdict.overlaps), ("trouble", verdict.outside),
    ):  # fmt: skip
        found += [{"scene": _scene(text), kind: text} for text in told]
    for scene, point in share:
        if point.startswith("fire"):
            _, wrong = schedules.check({scenes.schedule_name(scene * WIDTH): 1})
            found += [{"scene": scene, "doubled" if "should not be" in text else "lost": text} for text in wrong]
    if verdict.slots_left:
        found.append({"scene": None, "trouble": f"{verdict.slots_left} slots are left"})
    return found


def gather(lines: list[socket.socket], scenes_in_all: int) -> list[dict[str, object]]:
    """What the lanes say, until they have all gone; a line of progress now and then."""
    told: list[dict[str, object]] = []
    rests = dict.fromkeys(lines, b"")
    said = time.monotonic()
    while rests:
        for line in select.select(list(rests), [], [], 1.0)[0]:
            data = line.recv(65536)
            if not data:
                del rests[line]
                continue
            *whole, rests[line] = (rests[line] + data).split(b"\n")
            told += [json.loads(one) for one in whole]
        if time.monotonic() - said > 5:
            said = time.monotonic()
            done = sum(1 for one in told if "killed" in one)
            tell(f"  {done} of {scenes_in_all} kills")
    return told


def add_up(told: Sequence[dict[str, object]], points: dict[int, str], kills: int) -> list[Row]:
    """Pure. `told` as the lanes say it; `points`: scene → point. What bears no scene counts against every step."""
    rows = {point: Row(point, what) for point, what in POINTS.items()}
    counts: Counter[tuple[str, str]] = Counter()
    for one in told:
        scene = one["scene"]
        mine = [rows[points[scene]]] if isinstance(scene, int) and scene in points else list(rows.values())
        for row in mine:
            for kind in ("killed", "lost", "doubled"):
                counts[row.point, kind] += kind in one
            row.troubles += [str(one[kind]) for kind in ("trouble", "lost", "doubled") if kind in one]
    for row in rows.values():
        row.kills, row.lost, row.doubled = (counts[row.point, kind] for kind in ("killed", "lost", "doubled"))
        if row.kills < kills and not row.troubles:
            row.troubles.append(f"{row.kills} of {kills} kills; its lane ended early")
    return list(rows.values())


def table(rows: Sequence[Row]) -> str:
    """As Markdown."""
    lines = ["| step | a process dies when … | kills | lost | doubled |", "|---|---|---|---|---|"]
    lines += [f"| {row.point} | {row.what} | {row.kills} | {row.lost} | {row.doubled} |" for row in rows]
    return "\n".join(lines)


def _scene(text: str) -> int | None:
    """Of a culprit's line, which begins with its business key."""
    head = text.split(":")[0]
    return int(head.removeprefix("order-")) // WIDTH if head.startswith("order-") else None


def _say(line: socket.socket, told: dict[str, object]) -> None:
    line.sendall(json.dumps(told).encode() + b"\n")
