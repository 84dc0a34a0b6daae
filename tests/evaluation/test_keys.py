"""Keys and values of measuring are never those of training."""

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.errors import UserError
from longdoc.evaluation import keys


def test_a_tenth_of_all_keys_is_held_out() -> None:
    rng = random.Random(0)
    share = sum(keys.held_out_key(keys.word_key(rng)) for _ in range(5000)) / 5000
    assert 0.08 < share < 0.125


def test_the_rule_is_the_agreed_one() -> None:
    # The recipe trains on the rest; another rule would leak.
    for key in ("quiet-harbor", "1234567", "Imre Vassold"):
        assert keys.held_out_key(key) is (hashlib.sha256(key.encode()).digest()[0] % 10 == 0)


@pytest.mark.parametrize("make", [keys.number, keys.uuid4, keys.word_key, keys.person, keys.place, keys.variable])
def test_drawn_keys_are_held_out_and_new(make: object) -> None:
    rng, taken = random.Random(1), {"x"}
    drawn = [keys.draw(lambda: make(rng), taken) for _ in range(40)]  # type: ignore[operator]
    assert len(set(drawn)) == 40
    assert all(keys.held_out_key(key) for key in drawn)
    assert taken == {"x", *drawn}


def test_running_out_of_keys_is_said() -> None:
    with pytest.raises(UserError, match="not enough different keys"):
        keys.draw(lambda: "same", set(), tries=5)


@given(st.integers(0, 10_000))
def test_a_near_key_shares_one_of_two_words(seed: int) -> None:
    rng = random.Random(seed)
    key, name = keys.word_key(rng), keys.person(rng)
    assert set(key.split("-")) & set(keys.near_word_key(key, rng).split("-"))
    assert set(name.split()) & set(keys.near_person(name, rng).split())


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_numbers_have_the_digits_asked_for(seed: int, digits: int) -> None:
    assert len(keys.number(random.Random(seed), digits)) == digits
