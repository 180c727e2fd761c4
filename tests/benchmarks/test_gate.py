"""The gate believes the median of pairs, as far as it can tell it from the limit, and says which figure is worse."""

from __future__ import annotations

import json
import math
import random

import pytest

from benchmarks import gate


def noisy(centre: float, count: int, seed: int = 1) -> list[float]:
    """Ratios as a busy machine gives them: a third more, or as much less, and now and then thrice or a third."""
    rng = random.Random(seed)
    return [centre * math.exp(rng.uniform(-0.3, 0.3) * (4 if rng.random() < 0.05 else 1)) for _ in range(count)]


class Told:
    """A side that answers what it is told, turn by turn."""

    def __init__(self, cpu_s: list[float]) -> None:
        self.cpu_s, self.turns = cpu_s, 0

    def turn(self) -> dict[str, float]:
        self.turns += 1
        return {"writer": 0.3, "consumer": self.cpu_s[(self.turns - 1) % len(self.cpu_s)], "memory": 110.0}


def compared(ours: list[float], theirs: list[float], most: int = 200) -> dict[str, list[float]]:
    return gate.compare(Told(ours), Told(theirs), most)  # type: ignore[arg-type]


def test_the_interval_of_the_same_code_holds_one_however_noisy_the_turns() -> None:
    held = [gate.interval(noisy(1.0, 120, seed)) for seed in range(200)]
    assert sum(low <= 1.0 <= high for low, high in held) >= 194


def test_a_fifth_more_is_beyond_doubt_and_the_same_code_is_not_past_the_limit() -> None:
    assert gate.interval(noisy(1.25, 200))[0] > gate.LIMIT
    assert gate.interval(noisy(1.0, 200))[1] < gate.LIMIT


def test_a_clear_answer_takes_the_fewest_pairs() -> None:
    assert len(compared([0.1], [0.1])["consumer"]) == gate.FEWEST
    assert len(compared([0.2], [0.1])["consumer"]) == gate.FEWEST


def test_a_doubtful_answer_takes_more_pairs_but_no_more_than_asked() -> None:
    swinging = [0.1 * ratio for ratio in noisy(1.10, 41)]
    assert len(compared(swinging, [0.1], most=120)["consumer"]) == 120


def test_the_first_turn_of_each_side_is_not_counted() -> None:
    ratios = compared([9.0] + [0.1] * gate.FEWEST, [0.1])
    assert set(ratios["consumer"]) == {1.0}


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
