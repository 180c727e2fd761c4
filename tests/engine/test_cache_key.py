"""What makes two requests for a reusable result the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from queues import registry

from .conftest import QUEUE, Number


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=6), st.randoms())
def test_the_order_of_parameters_does_not_change_the_key(values: dict[str, Any], random: Any) -> None:
    spec = registry.JobSpec("tests.key", QUEUE, Number, "Key")
    names = list(values)
    random.shuffle(names)
    assert spec.cache_key({name: values[name] for name in names}) == spec.cache_key(values)


def test_the_key_tells_apart_values_types_names_and_versions() -> None:
    def key(data: Any, name: str = "tests.key", version: int = 1) -> str:
        return registry.JobSpec(name, QUEUE, Number, "Key", cache_version=version).cache_key(data)

    keys = [
        key({"n": 1}), key({"n": 2}), key({"n": "1"}), key({"n": True}), key({"n": 1.0}), key({"m": 1}), key({}),
        key({"n": 1}, "tests.other"), key({"n": 1}, version=2),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys) and all(len(each) == 64 for each in keys)
