"""longdoc/cache/evict.py: the cache stays within its budget, and nothing in use goes."""

import os
import subprocess
import sys

import pytest
from standin import random_reading
from standin import save_reading as save

from longdoc.cache import evict
from longdoc.cache.disk import DiskCache
from longdoc.cache.locks import take
from longdoc.cache.writer import open_writer, plan_entry
from longdoc.errors import CacheError

GB = 10**9
ENTRY = 100 * 128  # bytes of keys and values of 100 tokens


def fill(cache: DiskCache, count: int) -> list[str]:
    """Save readings of 100 tokens, the first the longest unused."""
    keys = []
    for seed in range(count):
        key = save(cache, random_reading(100, seed=seed))
        os.utime(cache.readings / key / evict.LOCK, (1000 + seed, 1000 + seed))
        keys.append(key)
    return keys


def names(cache: DiskCache) -> set[str]:
    return {path.name for path in cache.readings.iterdir()}


def test_the_longest_unused_goes_first(tmp_path):
    cache = DiskCache(tmp_path / "c", GB)
    keys = fill(cache, 3)
    small = DiskCache(tmp_path / "c", cache.used_bytes() + ENTRY // 2)
    new = save(small, random_reading(100, seed=9))
    assert names(cache) == {*keys[1:], new}


def test_a_use_counts_as_use(tmp_path):
    cache = DiskCache(tmp_path / "c", GB)
    keys = fill(cache, 3)
    cache.touch(cache.readings / keys[0])
    small = DiskCache(tmp_path / "c", cache.used_bytes() + ENTRY // 2)
    save(small, random_reading(100, seed=9))
    assert keys[0] in names(cache)
    assert keys[1] not in names(cache)


def test_an_entry_in_use_stays_and_the_next_goes(tmp_path):
    cache = DiskCache(tmp_path / "c", GB)
    keys = fill(cache, 3)
    small = DiskCache(tmp_path / "c", cache.used_bytes() + ENTRY // 2)
    with cache.use(cache.readings / keys[0]):
        save(small, random_reading(100, seed=9))
    assert keys[0] in names(cache)
    assert keys[1] not in names(cache)


def test_an_entry_in_use_by_another_program_stays(tmp_path):
    cache = DiskCache(tmp_path / "c", GB)
    (key,) = fill(cache, 1)
    hold = "import sys; from longdoc.cache.locks import take; from pathlib import Path\n"
    hold += "lock = take(Path(sys.argv[1]), exclusive=False); print('held', flush=True); sys.stdin.read()"
    path = str(cache.readings / key / evict.LOCK)
    with subprocess.Popen(
        [sys.executable, "-c", hold, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        assert cache.prune(0) == (0, 0)
        other.communicate("")
    assert cache.prune(0)[0] == 1


def test_what_never_fits_is_refused_and_costs_nobody_his_reading(tmp_path):
    cache = DiskCache(tmp_path / "c", GB)
    keys = fill(cache, 3)
    small = DiskCache(tmp_path / "c", ENTRY)
    reading = random_reading(200, seed=9)
    with pytest.raises(CacheError, match="may take") as error:
        open_writer(small, plan_entry(small, "f", reading.token_ids, reading), reading.token_ids)
    assert error.value.code == "budget"
    assert names(cache) == set(keys)


def test_a_disk_without_room_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(evict, "free_bytes", lambda folder: 1000)
    cache = DiskCache(tmp_path / "c", GB)
    reading = random_reading(200)
    with pytest.raises(CacheError, match="free") as error:
        open_writer(cache, plan_entry(cache, "f", reading.token_ids, reading), reading.token_ids)
    assert error.value.code == "budget"
    assert names(cache) == set()


def test_damaged_folders_go_before_good_ones(tmp_path):
    cache = DiskCache(tmp_path / "c", GB)
    keys = fill(cache, 3)
    (cache.readings / keys[2] / "manifest").write_bytes(b"nonsense")
    cache.verify()
    assert names(cache) == set(keys[:2])
    small = DiskCache(tmp_path / "c", cache.used_bytes() + ENTRY // 2)
    save(small, random_reading(100, seed=9))
    assert set(keys[:2]) < names(cache)
    assert list(cache.damaged.iterdir()) == []


def test_verify_names_what_is_damaged_and_sets_it_aside(tmp_path):
    cache = DiskCache(tmp_path / "c", GB)
    keys = fill(cache, 3)
    part = next((cache.readings / keys[1]).glob("*.kv"))
    part.write_bytes(part.read_bytes()[:-1])
    problems = {entry.key: entry.problem for entry in cache.verify()}
    assert set(problems) == set(keys)
    assert [key for key in keys if problems[key]] == [keys[1]]
    assert "bytes instead of" in problems[keys[1]]
    assert names(cache) == {keys[0], keys[2]}
    assert [entry.problem for entry in cache.entries()].count("damaged, set aside") == 1
    assert cache.prune()[0] == 1
    assert len(cache.entries()) == 2


def test_leftovers_of_a_killed_program_are_swept_and_those_of_a_living_one_are_not(tmp_path):
    cache = DiskCache(tmp_path / "c", GB)
    fill(cache, 1)
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    dead = cache.readings / f"{evict.NEW}{gone.stdout.strip()}-abc"
    alive = cache.readings / f"{evict.NEW}{os.getpid()}-abc"
    old = cache.readings / f"{evict.OLD}1-abc"
    for folder in (dead, alive, old):
        folder.mkdir()
        (folder / "000000000-000000064.kv").write_bytes(b"x")
    cache.prune()
    assert [folder.exists() for folder in (dead, alive, old)] == [False, True, False]


def test_a_lock_on_a_folder_that_was_deleted_meanwhile_is_not_given(tmp_path):
    assert take(tmp_path / "gone" / "lock", exclusive=False) is None
    file = tmp_path / "lock"
    with take(file, exclusive=False), take(file, exclusive=False):
        assert take(file, exclusive=True) is None
    with take(file, exclusive=True):
        assert take(file, exclusive=False) is None
