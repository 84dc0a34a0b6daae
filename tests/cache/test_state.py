"""Recurrent states in memory and on disk: exact, only for exact beginnings, never damaged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from longdoc.cache import state as state_module
from longdoc.cache.disk import DiskCache
from longdoc.cache.segment import LayerShape, Reading
from longdoc.cache.state import State, States
from longdoc.cache.writer import open_writer, plan_entry
from longdoc.errors import CacheError

NOTHING, ATTENTION = LayerShape(0, 0, 0), LayerShape(2, 4, 4)
LAYOUT = {"conv.0.0": ("torch.bfloat16", (1, 6, 4)), "recurrent.0.0": ("torch.float32", (1, 6, 8))}
IDS = torch.randint(0, 250, (400,), generator=torch.Generator().manual_seed(1)).tolist()


def state_at(n_tokens: int) -> State:
    generator = torch.Generator().manual_seed(n_tokens)
    tensors = {name: torch.randn(shape, generator=generator) for name, (_, shape) in LAYOUT.items()}
    return State({name: t.to(getattr(torch, LAYOUT[name][0].removeprefix("torch."))) for name, t in tensors.items()})


def empty(capacity: int = 400, shapes: Sequence[LayerShape] = (NOTHING, ATTENTION)) -> Reading:
    reading = Reading(shapes, capacity)
    reading.states = States(LAYOUT)
    return reading


def step(reading: Reading, end: int, ids: Sequence[int] = IDS) -> None:
    """Read on to `end`; what is stored follows from the number of tokens alone."""
    start = reading.n_tokens
    rows = torch.arange(start, end).float().view(1, -1, 1).expand(2, -1, 4)
    for layer, shape in zip(reading.layers, reading.shapes, strict=True):
        if shape.num_kv_heads:
            layer.write(start, rows, -rows)
    assert reading.states is not None
    reading.states.pending = state_at(end)
    reading.commit(ids[start:end])


def filled(places: Sequence[int] = (100, 200, 300), marks: Sequence[int] = (100, 300), **fields: object) -> Reading:
    reading = empty(**fields)  # type: ignore[arg-type]
    assert reading.states is not None
    reading.states.marks = frozenset(marks)
    for place in places:
        step(reading, place)
        if place in marks:
            reading.states.keep(place)
    return reading


def save(cache: DiskCache, reading: Reading, ids: Sequence[int] = ()) -> Path:
    ids = ids or reading.token_ids
    writer = open_writer(cache, plan_entry(cache, "f", ids, reading), ids)
    assert writer is not None
    writer.save(reading, reading.checkpoint())
    writer.close()
    return cache.readings / writer.manifest.key


def current(reading: Reading) -> State:
    assert reading.states is not None
    assert reading.states.current is not None
    return reading.states.current


def equal(one: State, two: State) -> bool:
    return one.layout == two.layout and all(torch.equal(one.tensors[name], two.tensors[name]) for name in one.tensors)


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "cache", 1 << 30)


def test_a_state_comes_back_bit_by_bit() -> None:
    state = state_at(7)
    assert equal(State.from_bytes(state.to_bytes(), torch.device("cpu")), state)
    for damaged in (b"", state.to_bytes()[:-1], b"\xff" * 64):
        with pytest.raises(CacheError, match="cannot be understood"):
            State.from_bytes(damaged, torch.device("cpu"))


@pytest.mark.parametrize("shapes", [(NOTHING,), (NOTHING, ATTENTION)])
def test_a_saved_reading_comes_back_with_its_state(cache: DiskCache, shapes: tuple[LayerShape, ...]) -> None:
    saved = filled(shapes=shapes)
    save(cache, saved)
    match = cache.find("f", IDS[:300]).match
    assert match is not None
    restored = empty(shapes=shapes)
    cache.load(match, restored)
    assert restored.token_ids == IDS[:300]
    assert equal(current(restored), current(saved))
    for one, two in zip(restored.layers, saved.layers, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.run(0, 300), two.run(0, 300), strict=True))
    assert [entry.problem for entry in cache.verify()] == [""]


@pytest.mark.parametrize(("n_same", "found"), [(400, 300), (300, 300), (299, 100), (150, 100), (99, None)])
def test_only_an_exact_beginning_whose_state_is_kept_is_found(cache: DiskCache, n_same: int, found: int | None) -> None:
    save(cache, filled())
    match = cache.find("f", [*IDS[:n_same], *[251] * (400 - n_same)]).match
    assert (match.n_tokens if match else None) == found
    if match:
        restored = empty()
        cache.load(match, restored)
        assert restored.token_ids == IDS[:found]
        assert equal(current(restored), state_at(found or 0))


@pytest.mark.parametrize("damage", ["flip", "cut", "grow", "gone", "swap"])
def test_a_damaged_state_is_a_miss_that_says_why_and_is_never_used(cache: DiskCache, damage: str) -> None:
    folder = save(cache, filled())
    file = folder / "000000300.state"
    data = file.read_bytes()
    if damage == "flip":
        file.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    elif damage == "cut":
        file.write_bytes(data[:-1])
    elif damage == "grow":
        file.write_bytes(data + b"\0")
    elif damage == "gone":
        file.unlink()
    else:
        file.write_bytes((folder / "000000100.state").read_bytes())
    match = cache.find("f", IDS[:300]).match
    assert match is not None
    with pytest.raises(CacheError, match=r"its state 000000300\.state") as caught:
        cache.load(match, empty())
    assert caught.value.code == "damaged"
    assert cache.find("f", IDS[:300]).match is None
    assert [entry.problem for entry in cache.entries()] == ["damaged, set aside"]


def test_verify_finds_a_damaged_state(cache: DiskCache) -> None:
    folder = save(cache, filled())
    file = folder / "000000100.state"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    assert "its state 000000100.state is damaged" in cache.verify()[0].problem


def test_a_state_of_other_shapes_is_refused(cache: DiskCache) -> None:
    save(cache, filled())
    match = cache.find("f", IDS[:300]).match
    assert match is not None
    other = empty()
    other.states = States({**LAYOUT, "recurrent.0.0": ("torch.float32", (1, 6, 9))})
    with pytest.raises(CacheError, match="other shapes"):
        cache.load(match, other)


def test_of_checkpoints_only_the_newest_stays_and_of_documents_every_one(cache: DiskCache) -> None:
    reading = empty()
    assert reading.states is not None
    reading.states.marks = frozenset({150})
    writer = open_writer(cache, plan_entry(cache, "f", IDS, reading), IDS)
    assert writer is not None
    for place in (100, 150, 200, 250):
        step(reading, place)
        if place == 150:
            reading.states.keep(place)
        writer.save(reading, reading.checkpoint())
    folder = cache.readings / writer.manifest.key
    assert sorted(path.name for path in folder.glob("*.state")) == ["000000150.state", "000000250.state"]
    writer.close()
    # An interrupted reading goes on from its last checkpoint.
    match = cache.find("f", IDS).match
    assert match is not None
    resumed = empty()
    cache.load(match, resumed)
    assert resumed.n_tokens == 250
    assert resumed.states is not None
    resumed.states.marks = frozenset({150})
    step(resumed, 400)
    again = open_writer(cache, plan_entry(cache, "f", IDS, resumed), IDS)
    assert again is not None
    again.save(resumed, resumed.checkpoint())
    again.close()
    assert sorted(path.name for path in folder.glob("*.state")) == ["000000150.state", "000000400.state"]


def test_a_save_that_comes_late_writes_the_state_of_its_checkpoint(cache: DiskCache) -> None:
    reading = empty()
    writer = open_writer(cache, plan_entry(cache, "f", IDS, reading), IDS)
    assert writer is not None
    step(reading, 100)
    place = reading.checkpoint()
    step(reading, 200)  # the model has read on before the writer came to it
    writer.save(reading, place)
    writer.close()
    match = cache.find("f", IDS).match
    assert match is not None
    restored = empty()
    cache.load(match, restored)
    assert equal(current(restored), state_at(100))


def test_adding_a_document_starts_from_the_end_of_the_one_before(cache: DiskCache) -> None:
    save(cache, filled())
    match = cache.find("f", IDS[:400]).match
    assert match is not None
    grown = empty()
    cache.load(match, grown)
    assert grown.states is not None
    grown.states.marks = frozenset({100, 300, 400})
    step(grown, 400)
    grown.states.keep(400)
    folder = save(cache, grown)
    # The entry of both documents serves the first alone as well.
    assert sorted(path.name for path in folder.glob("*.state")) == ["000000300.state", "000000400.state"]


def test_earlier_states_in_memory_stay_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = filled(places=(50, 100, 150, 200, 250), marks=(50, 100, 150, 200, 250))
    assert reading.states is not None
    assert sorted(reading.states.kept) == [50, 100, 150, 200, 250]
    size = reading.states.state_bytes
    assert size == state_at(1).nbytes
    assert reading.states.nbytes == 5 * size
    monkeypatch.setattr(state_module, "KEPT_BYTES", 3 * size)
    step(reading, 300)
    reading.states.keep(300)
    assert sorted(reading.states.kept) == [200, 250, 300]
