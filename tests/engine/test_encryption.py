"""Values that are kept sealed, and the column that keeps them."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from project.env import Environment
from queues.encryption import PREFIX, CannotOpen, Keyring, is_sealed

OLD, NEW = "o" * 40, "n" * 40
TEXTS = st.text(st.characters(codec="utf-8"))


@given(TEXTS)
def test_what_is_sealed_opens_as_it_was(text: str) -> None:
    ring = Keyring([NEW])
    sealed = ring.seal(text, "p")
    assert is_sealed(sealed) and ring.open(sealed, "p") == text
    assert len(text) < 4 or text not in sealed.removeprefix(PREFIX)


@given(TEXTS, TEXTS)
def test_equal_values_and_only_those_read_the_same(one: str, other: str) -> None:
    ring = Keyring([NEW])
    assert (ring.seal(one, "p") == ring.seal(other, "p")) == (one == other)


def test_a_sealed_value_opens_nowhere_else() -> None:
    ring = Keyring([NEW])
    sealed = ring.seal("0660 123 45 67", "billing.call")
    assert sealed != ring.seal("0660 123 45 67", "billing.write")
    with pytest.raises(CannotOpen, match="belongs to something else"):
        ring.open(sealed, "billing.write")


@given(st.integers(min_value=0), st.sampled_from("AZaz09_-"))
def test_a_changed_value_does_not_open(place: int, letter: str) -> None:
    ring = Keyring([NEW])
    sealed = ring.seal("a secret of ours", "p")
    place = len(PREFIX) + place % (len(sealed) - len(PREFIX))
    changed = sealed[:place] + letter + sealed[place + 1 :]
    if changed == sealed:
        return
    try:
        assert ring.open(changed, "p") == "a secret of ours"  # (the last letter has bits that say nothing)
        assert place == len(sealed) - 1
    except CannotOpen:
        pass


@pytest.mark.parametrize(
    "text", ["sealed:", "sealed:x", "sealed:00000000:", "sealed::AAAA", "plain", "sealed:00000000:ä"]
)
def test_what_nobody_sealed_does_not_open(text: str) -> None:
    with pytest.raises(CannotOpen):
        Keyring([NEW]).open(text, "p")


def test_a_new_key_opens_what_the_old_one_sealed_and_seals_it_anew() -> None:
    sealed = Keyring([OLD]).seal("word", "p")
    both = Keyring([NEW, OLD])
    assert both.open(sealed, "p") == "word" and not both.is_newest(sealed)
    renewed = both.renew(sealed, "p")
    assert both.is_newest(renewed) and Keyring([NEW]).open(renewed, "p") == "word"
    with pytest.raises(CannotOpen, match="ENCRYPTION_KEYS"):
        Keyring([NEW]).open(sealed, "p")


@pytest.mark.parametrize("keys", ["short", f"{OLD},short"])
def test_a_short_key_stops_the_start_and_is_not_told(keys: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"ENCRYPTION_KEYS='…' is not valid.*32 characters") as told:
        Environment({"ENCRYPTION_KEYS": keys})("ENCRYPTION_KEYS")
    assert OLD not in str(told.value)


def test_no_key_stops_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS is not set"):
        Environment({}, {})("ENCRYPTION_KEYS")
