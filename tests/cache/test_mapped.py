"""longdoc/cache/mapped.py, buffer.py: a reading gives the same bytes wherever it lies."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from standin import load_reading, random_reading, save_reading, stored_bytes

from longdoc.cache import kv_dtypes, layout, mapped
from longdoc.cache.disk import DiskCache
from longdoc.cache.segment import LayerShape, Reading, new_reading
from longdoc.errors import ModelError

SHAPES = (LayerShape(2, 8, 8), LayerShape(2, 8, 4))
KV = ["float32", "bf16", "int8", "fp8/bf16"]
GB = 10**9


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of 64 to 128 tokens, so that every reading has several."""
    monkeypatch.setattr(layout, "FILE_BYTES", 16 << 10)


def both(n_tokens: int, kv: str, working: Path, seed: int = 0) -> tuple[Reading, Reading]:
    given_ = {"seed": seed, "shapes": SHAPES, "kv": kv}
    return random_reading(n_tokens, **given_), random_reading(n_tokens, working=working, **given_)


@pytest.mark.parametrize("kv", KV)
def test_runs_and_chosen_blocks_are_the_same_on_disk_and_in_memory(tmp_path: Path, kv: str) -> None:
    ram, disk = both(700, kv, tmp_path)
    assert disk.store is not None
    assert len(disk.store.pieces) > 2
    assert stored_bytes(disk) == stored_bytes(ram)
    for one, two in zip(ram.layers, disk.layers, strict=True):
        for start, end in [(0, 700), (3, 4), (60, 70), (130, 699), (640, 700)]:
            for a, b in zip(one.run(start, end), two.run(start, end), strict=True):
                assert torch.equal(a, b)
                assert a.dtype == ram.dtype
        blocks = torch.tensor([[0, 9, 3, 5], [2, 2, 10, 1]])
        for a, b in zip(one.gather(blocks), two.gather(blocks), strict=True):
            assert torch.equal(a[:, : 2 * 64], b[:, : 2 * 64])
            assert torch.equal(a[0], b[0])
            assert torch.equal(a[1, 2 * 64 : 2 * 64 + 60], b[1, 2 * 64 : 2 * 64 + 60])  # the last block is cut short
            assert b.isfinite().all()


@settings(max_examples=12, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 500), max_size=4),
    blocks=st.lists(st.integers(0, 14), min_size=1, max_size=6),
    block=st.sampled_from([16, 64]),
)
def test_blocks_across_the_edges_of_files_are_whole(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], blocks: list[int], block: int
) -> None:
    """Checkpoints leave files of any length; a block may begin in one and end in another."""
    cache = DiskCache(tmp_path_factory.mktemp("c"), GB)
    ram = random_reading(500, shapes=SHAPES)
    save_reading(cache, ram, at=[*sorted(set(cuts)), 500])
    disk = load_reading(cache, ram, ram.token_ids, working=tmp_path_factory.mktemp("w"))
    chosen = torch.tensor([blocks, blocks[::-1]]).clamp(max=500 // block - 1)
    for one, two in zip(ram.layers, disk.layers, strict=True):
        for a, b in zip(one.gather(chosen, block), two.gather(chosen, block), strict=True):
            assert torch.equal(a, b)
        cuts = two.cuts(5, 500)
        assert (cuts[0][0], cuts[-1][1]) == (5, 500)
        assert all(a[1] == b[0] for a, b in itertools.pairwise(cuts))


@pytest.mark.parametrize("kv", KV)
@pytest.mark.parametrize("saved_from", ["ram", "disk"])
@pytest.mark.parametrize("opened", ["ram", "disk"])
def test_what_is_saved_from_any_tier_is_opened_on_any_bit_by_bit(
    tmp_path: Path, kv: str, saved_from: str, opened: str
) -> None:
    cache = DiskCache(tmp_path / "cache", GB)
    ram, disk = both(333, kv, tmp_path / "working")
    reading = ram if saved_from == "ram" else disk
    save_reading(cache, reading, at=[100, 333])
    found = load_reading(cache, reading, reading.token_ids, working=tmp_path / "w2" if opened == "disk" else None)
    assert stored_bytes(found) == stored_bytes(ram)
    assert (found.store is None) == (opened == "ram")
    assert [entry.problem for entry in cache.verify()] == [""]


def test_a_full_file_is_saved_without_being_written_again(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache", GB)
    _, disk = both(700, "float32", tmp_path / "cache" / "working")
    save_reading(cache, disk)
    assert disk.store is not None
    slabs = {piece.path.stat().st_ino for piece in disk.store.pieces if piece.path is not None}
    (folder,) = cache.readings.iterdir()
    assert {path.stat().st_ino for path in folder.glob("*.kv")} == slabs


def test_a_file_system_without_links_gets_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_named: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    cache = DiskCache(tmp_path / "cache", GB)
    ram, disk = both(300, "int8", tmp_path / "working")
    monkeypatch.setattr(os, "link", refuse)
    save_reading(cache, disk)
    assert stored_bytes(load_reading(cache, ram, ram.token_ids)) == stored_bytes(ram)


def test_what_is_stored_does_not_change_when_the_reading_goes_elsewhere(tmp_path: Path) -> None:
    """A saved file may be the very file that was read into: cut back and read on, it must stay as it was."""
    cache = DiskCache(tmp_path / "cache", GB)
    ram, disk = both(500, "float32", tmp_path / "cache" / "working")
    save_reading(cache, disk)
    disk.truncate(200)
    other = random_reading(500, seed=9, shapes=SHAPES)
    for layer, source in zip(disk.layers, other.layers, strict=True):
        layer.restore(200, source.stored(200, 500))
    disk.commit(other.token_ids[200:])
    assert [entry.problem for entry in cache.verify()] == [""]
    assert stored_bytes(load_reading(cache, ram, ram.token_ids)) == stored_bytes(ram)
    for layer, source in zip(disk.layers, other.layers, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(layer.stored(200, 500), source.stored(200, 500), strict=True))
        assert layer.stored(0, 200)[0].isfinite().all()


def test_a_mapped_entry_is_in_use_until_its_reading_is_dropped(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache", GB)
    ram, _ = both(300, "bf16", tmp_path / "working")
    save_reading(cache, ram)
    found = load_reading(cache, ram, ram.token_ids, working=tmp_path / "working")
    assert cache.prune(keep_bytes=0)[0] == 0
    assert stored_bytes(found) == stored_bytes(ram)
    del found
    assert cache.prune(keep_bytes=0)[0] == 1


def test_a_larger_reading_takes_over_the_files(tmp_path: Path) -> None:
    ram, disk = both(300, "bf16", tmp_path)
    larger = disk.grown(450)
    assert larger is not None
    assert (larger.capacity, larger.n_tokens) == (450, 300)
    assert stored_bytes(larger) == stored_bytes(ram)
    more = random_reading(450, shapes=SHAPES, kv="bf16")
    for layer, source in zip(larger.layers, more.layers, strict=True):
        layer.restore(300, source.stored(300, 450))
    larger.commit(more.token_ids[300:])
    assert stored_bytes(larger) == stored_bytes(more)
    assert ram.grown(450) is None


def test_files_go_with_their_reading(tmp_path: Path) -> None:
    _, disk = both(300, "bf16", tmp_path / "cache" / "working")
    (folder,) = (tmp_path / "cache" / "working").iterdir()
    assert list(folder.iterdir())
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, folder.parent, folder.parent.parent))
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    del disk
    assert list((tmp_path / "cache" / "working").iterdir()) == []


def test_room_is_taken_before_anything_is_written(tmp_path: Path) -> None:
    reading = new_reading(SHAPES, 500, kv_dtypes.parse("bf16"), "disk", working=tmp_path)
    assert list(tmp_path.iterdir()) == []  # nothing before it is needed: what is stored may cover it
    reading.reserve()
    (folder,) = tmp_path.iterdir()
    assert sum(path.stat().st_size for path in folder.iterdir()) == 500 * reading.layout.token_bytes
    assert reading.nbytes == reading.tail.nbytes


def test_a_disk_without_room_is_one_clear_error_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "free_bytes", lambda folder: 1000)
    reading = new_reading(SHAPES, 500, kv_dtypes.parse("bf16"), "disk", working=tmp_path)
    with pytest.raises(ModelError, match=r"takes .* more, and the disk has .* free") as error:
        reading.reserve()
    assert error.value.code == "disk"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["posix_fallocate", "open", "mkdir"])
def test_room_that_cannot_be_made_is_an_error_and_leaves_a_reading_that_can_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refuse(*_args: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    reading = new_reading(SHAPES, 500, kv_dtypes.parse("bf16"), "disk", working=tmp_path / "w")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(ModelError, match="No space left"):
            reading.reserve()
    reading.reserve()
    assert reading.store is not None
    assert reading.store.end == 500


def test_a_file_system_that_cannot_reserve_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    ram, disk = both(300, "bf16", tmp_path)
    assert stored_bytes(disk) == stored_bytes(ram)


def test_pages_of_layers_beyond_the_resident_share_are_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "FILE_BYTES", 32 << 20)
    shapes = (LayerShape(2, 128, 128),) * 4
    reading = random_reading(8192, shapes=shapes, kv="bf16", working=tmp_path)
    assert reading.store is not None
    held = []
    for resident in (1 << 40, 0):
        reading.store.resident_bytes = resident
        for layer in reading.layers:
            for start, end in layer.cuts(0, 8192):
                layer.run(start, end)[0].sum()
                layer.run(start, end)[1].sum()
        held.append(mapped_bytes(tmp_path))
    total = 8192 * reading.layout.token_bytes
    assert held[0] > 0.9 * total
    assert held[1] < 0.5 * total


def mapped_bytes(folder: Path) -> int:
    """Return the resident bytes of this process's mappings of files below a folder."""
    resident, ours = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0] and ":" not in line.split()[0]:
            ours = str(folder) in line
        elif ours and line.startswith("Rss:"):
            resident += int(line.split()[1]) * 1024
    return resident
