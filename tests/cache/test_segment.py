from __future__ import annotations

import pytest
import torch

from longdoc.cache.segment import LayerShape, Reading
from longdoc.errors import CacheError, ModelError

SHAPES = [LayerShape(2, 8, 8), LayerShape(1, 4, 6)]


def test_every_layer_has_room_for_the_whole_prefix_from_the_start() -> None:
    reading = Reading(SHAPES, 50, torch.bfloat16)  # kept in whole blocks of 64
    assert [tuple(layer.keys.shape) for layer in reading.layers] == [(2, 50, 8), (1, 50, 4)]
    assert [tuple(layer.values.shape) for layer in reading.layers] == [(2, 50, 8), (1, 50, 6)]
    assert reading.nbytes == 64 * 2 * (2 * 16 + 10) + reading.tail.nbytes


def test_tokens_count_once_they_are_committed() -> None:
    reading = Reading(SHAPES, 5)
    reading.layers[0].write(0, torch.ones(2, 3, 8), torch.ones(2, 3, 8))
    assert reading.n_tokens == 0
    reading.commit([7, 8, 9])
    assert (reading.n_tokens, reading.token_ids) == (3, [7, 8, 9])


def test_more_tokens_than_room_are_refused_and_change_nothing() -> None:
    reading = Reading(SHAPES, 2)
    reading.commit([1])
    with pytest.raises(CacheError):
        reading.commit([2, 3])
    assert reading.token_ids == [1]


def test_cutting_keeps_the_beginning_and_drops_the_tail() -> None:
    reading = Reading(SHAPES, 5)
    reading.commit([1, 2, 3])
    reading.tail.n_tokens = 4
    reading.truncate(2)
    assert (reading.token_ids, reading.tail.n_tokens) == ([1, 2], 0)


@pytest.mark.parametrize("n", [-1, 4])
def test_a_reading_cannot_be_cut_to_what_it_does_not_have(n: int) -> None:
    reading = Reading(SHAPES, 5)
    reading.commit([1, 2, 3])
    with pytest.raises(CacheError):
        reading.truncate(n)


def test_a_growing_tail_keeps_what_is_in_it() -> None:
    tail = Reading(SHAPES, 1).tail
    keys = torch.arange(2 * 3 * 8).reshape(2, 3, 8).float()
    tail.layers[0].write(0, keys, keys)
    tail.n_tokens = 3
    tail.reserve(5000)
    assert tail.layers[0].capacity >= 5000
    assert torch.equal(tail.layers[0].keys[:, :3], keys)


def test_a_dropped_tail_gives_grown_memory_back() -> None:
    tail = Reading(SHAPES, 1).tail
    before = tail.nbytes
    tail.reserve(5000)
    tail.drop()
    assert (tail.n_tokens, tail.nbytes) == (0, before)


def test_a_reading_that_memory_refuses_is_one_clear_error() -> None:
    with pytest.raises(ModelError, match="not enough memory"):
        Reading([LayerShape(1 << 20, 1 << 10, 1 << 10)], 1 << 20)
