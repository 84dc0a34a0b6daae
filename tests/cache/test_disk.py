"""longdoc/cache/disk.py, writer.py, persist.py: what is saved comes back, bit by bit, and only where it fits."""

import stat
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from standin import load_reading as load
from standin import random_reading, stored_bytes
from standin import save_reading as save

from longdoc.cache import layout
from longdoc.cache.disk import DiskCache
from longdoc.cache.segment import LayerShape, Reading
from longdoc.cache.writer import open_writer, plan_entry
from longdoc.errors import CacheError

GB = 10**9


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "cache", GB)


shapes = st.lists(
    st.builds(LayerShape, st.integers(1, 3), st.sampled_from([1, 4, 16]), st.sampled_from([2, 8])),
    min_size=1,
    max_size=3,
)


@settings(max_examples=25, deadline=None)
@given(
    shapes=shapes,
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
    n_tokens=st.integers(1, 300),
    cuts=st.lists(st.integers(1, 300), max_size=4),
    seed=st.integers(0, 1000),
)
def test_restored_bytes_equal_saved_bytes_whatever_the_checkpoints(
    tmp_path_factory, shapes, dtype, n_tokens, cuts, seed
):
    cache = DiskCache(tmp_path_factory.mktemp("cache"), GB)
    reading = random_reading(n_tokens, seed=seed, shapes=shapes, dtype=dtype)
    save(cache, reading, at=[*sorted(cut for cut in cuts if cut < n_tokens), n_tokens])
    restored = load(cache, reading, reading.token_ids)
    assert restored.token_ids == reading.token_ids
    assert stored_bytes(restored) == stored_bytes(reading)


@settings(max_examples=25, deadline=None)
@given(shared=st.integers(0, 400), stored=st.integers(64, 400), wanted=st.integers(64, 400))
def test_exactly_the_common_beginning_is_found_and_loaded(tmp_path_factory, shared, stored, wanted):
    cache = DiskCache(tmp_path_factory.mktemp("cache"), GB)
    reading = random_reading(stored)
    save(cache, reading)
    n = min(shared, stored, wanted)
    ids = [*reading.token_ids[:n], *([251] * (wanted - n))]
    match = cache.find("f", ids).match
    if n < 64:
        assert match is None
    else:
        assert match is not None
        assert match.n_tokens == n
        restored = load(cache, reading, ids)
        assert restored.token_ids == ids[:n]
        assert stored_bytes(restored) == stored_bytes(reading, n)


def test_a_checkpoint_writes_only_the_tokens_read_since_the_last_one(cache):
    reading = random_reading(500)
    ids = reading.token_ids
    writer = open_writer(cache, plan_entry(cache, "f", ids, reading), ids)
    writer.save(reading, 200)
    (folder,) = cache.readings.iterdir()
    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*.kv")}
    writer.save(reading, 500)
    after = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*.kv")}
    writer.close()
    assert before.items() < after.items()
    new = sum(path.stat().st_size for path in folder.glob("*.kv") if path.name not in before)
    assert new == 300 * writer.manifest.token_bytes


def test_a_long_reading_is_cut_into_parts_of_bounded_size(cache, monkeypatch):
    monkeypatch.setattr(layout, "FILE_BYTES", 64 * 128)
    reading = random_reading(300)
    save(cache, reading)
    (folder,) = cache.readings.iterdir()
    assert sorted(path.name for path in folder.glob("*.kv"))[0] == "000000000-000000064.kv"
    assert stored_bytes(load(cache, reading, reading.token_ids)) == stored_bytes(reading)


def test_an_interrupted_reading_is_found_with_what_it_has_and_goes_on(cache):
    reading = random_reading(500)
    save(cache, reading, at=[300])
    match = cache.find("f", reading.token_ids).match
    assert match.n_tokens == 300
    assert not cache.entries()[0].problem
    assert cache.entries()[0].n_planned == 500
    save(cache, reading)
    assert len(cache.entries()) == 1
    assert stored_bytes(load(cache, reading, reading.token_ids)) == stored_bytes(reading)


def test_a_whole_reading_is_not_written_again(cache):
    reading = random_reading(100)
    assert save(cache, reading) is not None
    assert save(cache, reading) is None


def test_only_one_program_writes_an_entry(cache):
    reading = random_reading(200)
    ids = reading.token_ids
    first = open_writer(cache, plan_entry(cache, "f", ids, reading), ids)
    first.save(reading, 100)
    assert open_writer(cache, plan_entry(cache, "f", ids, reading), ids) is None
    first.save(reading, 200)
    first.close()
    assert stored_bytes(load(cache, reading, ids)) == stored_bytes(reading)


def test_two_programs_that_begin_the_same_reading_leave_one_whole_entry(cache):
    reading = random_reading(200)
    ids = reading.token_ids
    writers = [open_writer(cache, plan_entry(cache, "f", ids, reading), ids) for _ in range(2)]
    for writer in writers:
        writer.save(reading, 200)
    for writer in writers:
        writer.close()
    assert [path.name for path in cache.readings.iterdir()] == [writers[0].manifest.key]
    assert stored_bytes(load(cache, reading, ids)) == stored_bytes(reading)


def test_readings_that_begin_alike_share_their_bytes_on_disk(cache, monkeypatch):
    monkeypatch.setattr(layout, "FILE_BYTES", 64 * 128)
    long = random_reading(640)
    short = random_reading(640)
    short.truncate(320)
    save(cache, short)
    alone = cache.used_bytes()
    save(cache, long)
    assert cache.used_bytes() < 2 * alone + 10_000
    assert sum(entry.n_bytes for entry in cache.entries()) > 2.9 * alone - 10_000
    # Either can go without harm to the other.
    cache.remove_document("none of them")
    for entry in [entry for entry in cache.entries() if entry.n_tokens == 320]:
        for path in entry.path.iterdir():
            path.unlink()
        entry.path.rmdir()
    assert stored_bytes(load(cache, long, long.token_ids)) == stored_bytes(long)


def test_a_file_system_without_hard_links_is_served_by_copies(cache, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    long = random_reading(400)
    short = random_reading(400)
    short.truncate(200)
    save(cache, short)
    save(cache, long)
    assert stored_bytes(load(cache, long, long.token_ids)) == stored_bytes(long)


def test_another_setting_is_a_miss_that_says_so(cache):
    reading = random_reading(200)
    save(cache, reading, fingerprint="yarn")
    found = cache.find("string", reading.token_ids)
    assert found.match is None
    assert "read before" in found.reasons[0]
    assert cache.find("string", random_reading(200, seed=5).token_ids).reasons == ()


def test_a_reading_of_another_owner_is_never_found(tmp_path):
    mine, theirs = DiskCache(tmp_path / "c", GB, "me"), DiskCache(tmp_path / "c", GB, "them")
    reading = random_reading(200)
    save(theirs, reading)
    assert mine.find("f", reading.token_ids).match is None
    assert mine.entries() == []
    save(mine, reading)
    assert len(list((tmp_path / "c" / "readings").iterdir())) == 2


def test_nobody_else_can_read_what_is_kept(cache):
    save(cache, random_reading(200))
    for path in [cache.folder, *cache.folder.rglob("*")]:
        allowed = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) & ~allowed == 0


def test_a_model_of_other_shapes_never_gets_the_bytes(cache):
    reading = random_reading(200)
    save(cache, reading)
    match = cache.find("f", reading.token_ids).match
    other = Reading([LayerShape(2, 8, 8), LayerShape(1, 8, 8)], 200)
    with pytest.raises(CacheError, match="shapes"):
        cache.load(match, other)
    assert other.n_tokens == 0


def test_a_reading_goes_with_its_document(cache):
    both, one = random_reading(300), random_reading(200, seed=3)
    save(cache, both, documents=("lease", "annex"))
    save(cache, one, documents=("lease",))
    assert cache.remove_document("annex") == 1
    assert cache.find("f", both.token_ids).match is None
    assert cache.find("f", one.token_ids).match.n_tokens == 200


def test_the_figures_shown_are_those_on_disk(cache):
    reading = random_reading(300)
    key = save(cache, reading, documents=("lease",))
    (entry,) = cache.entries()
    assert (entry.key, entry.n_tokens, entry.n_planned, entry.documents) == (key, 300, 300, ("lease",))
    assert entry.n_bytes == sum(path.stat().st_size for path in entry.path.iterdir()) == cache.used_bytes()
