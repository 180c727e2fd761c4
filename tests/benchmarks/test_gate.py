"""The gate believes the median of pairs, as far as it can tell it from the limit, and says which figure is worse."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator

import pytest

from benchmarks import gate


def noisy(centre: float, count: int, seed: int = 1) -> list[float]:
    """Ratios as a busy machine gives them: a third more, or as much less, and now and then thrice or a third."""
    rng = random.Random(seed)
    return [centre * math.exp(rng.uniform(-0.3, 0.3) * (4 if rng.random() < 0.05 else 1)) for _ in range(count)]


class Told:
    """A side that answers what it is told, turn by turn."""

    def __init__(self, *cpu_s: float) -> None:
        self.cpu_s = iter(cpu_s)

    def turn(self) -> dict[str, float]:
        return {"writer": 0.3, "consumer": next(self.cpu_s), "memory": 110.0}


def bouts(count: int, consumer: Callable[[int], list[float]]) -> Iterator[dict[str, list[float]]]:
    for number in range(count):
        yield {figure: [1.0] * gate.BOUT for figure in gate.FIGURES} | {"consumer": consumer(number)}


def test_the_interval_of_the_same_code_holds_one_however_noisy_the_turns() -> None:
    held = [gate.interval(noisy(1.0, 120, seed)) for seed in range(200)]
    assert sum(low <= 1.0 <= high for low, high in held) >= 194


def test_a_fifth_more_is_beyond_doubt_and_the_same_code_is_not_past_the_limit() -> None:
    assert gate.interval(noisy(1.25, 200))[0] > gate.LIMIT
    assert gate.interval(noisy(1.0, 200))[1] < gate.LIMIT


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_a_clear_answer_takes_the_fewest_bouts(ratio: float) -> None:
    asked = bouts(10, lambda _: [ratio] * gate.BOUT)
    assert gate.compare(asked)["consumer"] == [ratio] * gate.BOUT * gate.FEWEST
    assert len(list(asked)) == 10 - gate.FEWEST


def test_a_doubtful_answer_takes_all_bouts_there_are() -> None:
    asked = bouts(7, lambda seed: noisy(gate.LIMIT, gate.BOUT, seed))
    assert len(gate.compare(asked)["consumer"]) == 7 * gate.BOUT


def test_the_first_turn_of_each_side_is_not_counted_and_each_pair_is_of_neighbours() -> None:
    times = [1.0 + n for n in range(gate.BOUT)]
    ours, theirs = Told(9.0, *(2 * s for s in times)), Told(0.1, *times)
    assert gate.bout(ours, theirs)["consumer"] == [2.0] * gate.BOUT  # type: ignore[arg-type]


@pytest.mark.parametrize("figure", gate.FIGURES)
def test_each_figure_that_is_worse_fails_the_gate_and_is_named(figure: str, capsys: pytest.CaptureFixture[str]) -> None:
    ratios = {name: noisy(1.0, 200) for name in gate.FIGURES} | {figure: [1.2] * 200}
    assert gate.report("0123456789abcdef", ratios) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)[figure]["ratio"] == 1.2
    assert printed.err.count("base commit's") == 1 and "120%" in printed.err


def test_the_same_figures_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert gate.report("0123456789abcdef", {name: noisy(1.0, 200) for name in gate.FIGURES}) == 0
    assert capsys.readouterr().err == ""
