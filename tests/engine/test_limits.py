from hypothesis import given
from hypothesis import strategies as st

from queues.engine.limits import FIRST_BATCH, MAX_BATCH, batch_size, smooth


@given(st.floats(0, 1e6))
def test_a_batch_is_between_one_and_the_most(mean: float) -> None:
    assert 1 <= batch_size(mean) <= MAX_BATCH


@given(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3))
def test_longer_runs_make_smaller_batches(a: float, b: float) -> None:
    assert batch_size(max(a, b)) <= batch_size(min(a, b))


def test_long_runs_are_claimed_singly_and_unknown_ones_in_small_batches() -> None:
    assert batch_size(5.0) == 1
    assert batch_size(None) == FIRST_BATCH


def test_one_long_run_ends_the_batching() -> None:
    mean = None
    for _ in range(50):
        mean = smooth(mean, 0.0001)
    assert batch_size(mean) == MAX_BATCH
    assert batch_size(smooth(mean, 5.0)) == 1


@given(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3))
def test_the_mean_lies_between_what_was_and_what_is(mean: float, latest: float) -> None:
    assert min(mean, latest) * 0.999 <= smooth(mean, latest) <= max(mean, latest) * 1.001
