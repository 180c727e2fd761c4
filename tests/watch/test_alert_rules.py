"""The rules' judgement, and what becomes of an alert from look to look: properties, and a machine beside a simple model."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from queues.watch import alert_page
from queues.watch import alert_rules as rules
from queues.watch.alert_rules import BY_NAME, RANK, RULES, Figure, Lines, eased, judge, lines_of, shown
from queues.watch.alert_states import CALM_S, COOLDOWN_S, Standing, news, quiet_until, step

from .conftest import NOON

DOCS = Path(__file__).parents[2] / "docs"
ANY_RULE = st.sampled_from(RULES)
VALUES = st.floats(0, 1e6, allow_nan=False)
COUNTS = st.integers(0, 1000)

ASKED = {  # what was asked for: (warning, critical)
    "processing_latency": (750, 1500), "throughput": (8000, 5000), "pool_use": (85, 95), "failure_rate": (2, 5),
    "queue_wait": (5, 10), "worker_use": (80, 90), "mean_wait": (30, None), "mean_processing": (120, None),
    "stalled": (None, 1), "backlog": (50, 5000), "dead_letters": (0.1, None), "worker_memory": (500, None),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_the_lines_are_those_that_were_asked_for(name: str) -> None:
    assert (BY_NAME[name].warning, BY_NAME[name].critical) == ASKED[name]


def test_every_rule_says_why_and_what_to_do() -> None:
    for each in RULES:
        assert each.why and each.act and each.measures
        assert each.warning is not None or each.critical is not None
        assert not each.least or each.counts


def test_the_reference_page_is_made_from_the_table() -> None:
    page = DOCS / "reference" / "alerts.md"
    assert page.read_text() == alert_page.markdown(), "python -m queues.watch.alert_page > docs/reference/alerts.md"


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.name)
def test_every_rule_has_a_runbook_that_names_it(each: rules.Rule) -> None:
    page = (DOCS / "runbooks" / each.runbook).read_text()
    assert each.name in page


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("queue_wait", 5.0, None), ("queue_wait", 5.1, "warning"), ("queue_wait", 10.1, "critical"),
        ("throughput", 8000, None), ("throughput", 7999, "warning"), ("throughput", 4999, "critical"),
        ("stalled", 1.0, None), ("stalled", 0.0, "critical"), ("mean_wait", 1e5, "warning"),
    ],
)  # fmt: skip
def test_a_figure_is_worth_what_the_lines_say(name: str, value: float, level: str | None) -> None:
    assert judge(BY_NAME[name], lines_of(BY_NAME[name]), Figure(value, count=1000)) == level


@given(ANY_RULE, VALUES, VALUES)
def test_a_worse_figure_is_never_worth_less(each: rules.Rule, one: float, other: float) -> None:
    good, bad = sorted((one, other), reverse=each.below)
    lines = lines_of(each)
    worth = [RANK[judge(each, lines, Figure(value, count=1000))] for value in (good, bad)]
    assert worth == sorted(worth)


@given(ANY_RULE, VALUES, COUNTS)
def test_to_be_calm_takes_more_than_not_to_be_beyond(each: rules.Rule, value: float, count: int) -> None:
    figure, lines = Figure(value, count=count), lines_of(each)
    assert RANK[eased(each, lines, figure)] >= RANK[judge(each, lines, figure)]


@given(st.sampled_from([each for each in RULES if each.least]), st.data())
def test_few_cases_are_no_alert_however_bad_they_look(each: rules.Rule, data: Any) -> None:
    count = data.draw(st.integers(0, each.least - 1))
    assert judge(each, lines_of(each), Figure(0.0 if each.below else 1e9, count=count)) is None


def test_one_failure_of_two_runs_cries_no_wolf() -> None:
    failures = BY_NAME["failure_rate"]
    assert judge(failures, lines_of(failures), Figure(50.0, count=1)) is None
    assert judge(failures, lines_of(failures), Figure(100.0, count=3)) == "critical"


def test_lines_grow_with_a_patient_sla_only_where_the_rule_says_so_and_staff_did_not() -> None:
    wait, backlog = BY_NAME["queue_wait"], BY_NAME["backlog"]
    assert lines_of(wait, stretch=6) == Lines(30, 60)
    assert lines_of(wait, warning=7, stretch=6) == Lines(7, 60)
    assert lines_of(backlog, stretch=6) == Lines(50, 5000)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(1500, "ms", "1,500 ms"), (0.1, "%", "0.1 %"), (1, "runs", "1 run"), (12.345, "s", "12.3 s"), (0.0, "%", "0 %")],
)
def test_a_value_is_shown_with_its_unit(value: float, unit: Any, text: str) -> None:
    assert shown(value, unit) == text


# --- from look to look ---

WAIT = BY_NAME["queue_wait"]
LINES = lines_of(WAIT)


def looks(*values: float, every_s: float = 15, was: Standing | None = None, of: rules.Rule = WAIT) -> list[str | None]:
    """What happens at each look."""
    stands, found = was or Standing(), []
    for number, value in enumerate(values):
        at = NOON + timedelta(seconds=number * every_s)
        stands, verb = step(stands, of, lines_of(of), Figure(value, count=1000), at)
        found.append(verb)
    return found


def test_it_opens_gets_worse_and_better_and_resolves() -> None:
    assert looks(0, 6, 11, *[7] * 5, *[1] * 5) == [
        None, "opened", "worsened", *[None] * 4, "eased", *[None] * 4, "resolved",
    ]  # fmt: skip


def test_what_wavers_about_the_line_stays_open_and_says_nothing() -> None:
    assert looks(6, *[4.9, 5.1, 4.6] * 20)[1:] == [None] * 60


def test_a_moments_calm_is_none() -> None:
    assert looks(6, 1, 1, 1, 6, 1, 1, 1, 1, 1) == ["opened", *[None] * 8, "resolved"]


def test_a_rule_that_must_last_says_nothing_of_a_moment() -> None:
    backlog = BY_NAME["backlog"]
    assert looks(60, 0, 60, 60, 60, of=backlog) == [None, None, None, None, "opened"]


def test_what_comes_back_soon_is_the_same_alert() -> None:
    just_now = Standing(resolved_at=NOON - timedelta(seconds=COOLDOWN_S - 1))
    long_ago = Standing(resolved_at=NOON - timedelta(seconds=COOLDOWN_S))
    assert looks(6, was=just_now) == ["reopened"]
    assert looks(6, was=long_ago) == ["opened"]


def test_what_could_not_be_measured_changes_nothing() -> None:
    for was in (Standing(), Standing(level="critical"), Standing(beyond_since=NOON)):
        assert step(was, WAIT, LINES, None, NOON) == (was, None)


def test_a_clock_that_was_set_back_keeps_no_alert_open_and_hides_none() -> None:
    future = NOON + timedelta(hours=1)
    assert looks(*[1] * 5, was=Standing(level="warning", calm_since=future))[-1] == "resolved"
    assert "opened" in looks(*[60] * 4, was=Standing(beyond_since=future), of=BY_NAME["backlog"])


@pytest.mark.parametrize(
    ("told", "level", "quiet", "said"),
    [
        (None, "warning", False, "opened"), (None, "critical", True, None), ("warning", "critical", False, "worsened"),
        ("critical", "warning", False, None), ("warning", "warning", False, None), ("warning", None, True, "resolved"),
        (None, None, False, None),
    ],
)  # fmt: skip
def test_those_who_listen_are_told_what_they_do_not_know(told: Any, level: Any, quiet: bool, said: str | None) -> None:
    assert news(told, level, quiet=quiet) == said


def test_what_comes_back_is_not_told_before_the_cooldown_is_over_unless_it_is_worse() -> None:
    assert quiet_until(NOON, "warning", "warning") == NOON + timedelta(seconds=COOLDOWN_S)
    assert quiet_until(NOON, "warning", "critical") is None


class OneAlert(RuleBasedStateMachine):
    """Any figures at any times, against what a person would write down."""

    def __init__(self) -> None:
        super().__init__()
        self.at: datetime = NOON
        self.stands = Standing()
        self.history: list[tuple[datetime, float]] = []
        self.told: Any = None

    @rule(
        value=st.sampled_from([0.0, 4.4, 4.6, 5.1, 8.9, 9.5, 10.1, 99.0]), after_s=st.sampled_from([1, 10, 15, 40, 70])
    )
    def look(self, value: float, after_s: int) -> None:
        self.at += timedelta(seconds=after_s)
        self.history.append((self.at, value))
        was = self.stands
        self.stands, verb = step(was, WAIT, LINES, Figure(value), self.at)
        assert (verb is None) == (was.level == self.stands.level)
        if verb in ("resolved", "eased"):
            line = 5.0 if verb == "resolved" else 10.0
            calm = [at for at, seen in reversed(self.history) if self._all_since(at, line * 0.9)]
            assert calm and (self.at - calm[-1]).total_seconds() >= CALM_S
        if verb == "reopened":
            assert was.resolved_at and (self.at - was.resolved_at).total_seconds() < COOLDOWN_S
        said = news(self.told, self.stands.level, quiet=False)
        if said:
            assert said != "resolved" or self.told
            self.told = self.stands.level

    @rule(after_s=st.sampled_from([1, 30, 300]))
    def look_blind(self, after_s: int) -> None:
        self.at += timedelta(seconds=after_s)
        before = self.stands
        self.stands, verb = step(before, WAIT, LINES, None, self.at)
        assert self.stands == before and verb is None

    @invariant()
    def what_is_beyond_is_open(self) -> None:
        if self.history:
            level = judge(WAIT, LINES, Figure(self.history[-1][1]))
            assert RANK[self.stands.level] >= RANK[level]

    def _all_since(self, since: datetime, line: float) -> bool:
        return all(seen <= line for at, seen in self.history if at >= since)


OneAlert.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestOneAlert = OneAlert.TestCase
