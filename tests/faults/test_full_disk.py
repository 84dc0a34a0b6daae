"""The disk refuses the N-th call, for every N: the answer still arrives, one warning, no part of an entry."""

import errno
import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from standin import StandIn, plan_for, prompt_of, settings_in, text_of

from longdoc.cache import layout
from longdoc.cache.disk import DiskCache
from longdoc.engine import Engine
from longdoc.errors import Stopped
from longdoc.types import Generation

LEASE, ANNEX = text_of(700, "lease"), text_of(300, "annex")
CALLS = ("write", "pwrite", "posix_fallocate", "fsync", "replace", "rename", "mkdir", "link")
MOST_CALLS = 400


class FailingDisk:
    """Refuses the n-th changing call below a folder, and with `for_good` all that follow."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, n: int, error: int, for_good: bool) -> None:
        self.calls, self._n, self._error, self._for_good = 0, n, error, for_good
        for name in CALLS:
            monkeypatch.setattr(os, name, self._failing(getattr(os, name)))
        opened = os.open

        def open_to_write(path, flags, *args, **kwargs):
            if flags & os.O_CREAT:
                self._count()
            return opened(path, flags, *args, **kwargs)

        monkeypatch.setattr(os, "open", open_to_write)

    def _failing(self, call: Callable) -> Callable:
        def counted(*args, **kwargs):
            self._count()
            return call(*args, **kwargs)

        return counted

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self._n or (self._for_good and self.calls > self._n):
            raise OSError(self._error, os.strerror(self._error))


def ask(home: Path, *texts: str, tier: str = "ram", form: str = "float32") -> Generation:
    settings = settings_in(home, checkpoint_every_s=0.0)
    backend, prompt = StandIn(working=settings.cache_working), prompt_of(*texts)
    plan = plan_for(backend, len(prompt.token_ids), step=400, tier=tier, kv_dtype=form)
    with Engine(settings, load=lambda model, settings: backend) as engine:
        return engine.generate("m", prompt, plan)


def check_cache(home: Path) -> list[int]:
    """Every entry is whole; return the tokens of each."""
    cache = DiskCache(settings_in(home).cache, 10**9)
    entries = cache.verify()
    assert [entry.problem for entry in entries] == [""] * len(entries)
    assert all(entry.n_tokens for entry in entries)
    return sorted(entry.n_tokens for entry in entries)


def every_n(monkeypatch: pytest.MonkeyPatch, error: int, for_good: bool, run: Callable[[int], None]) -> int:
    """Run with the first, second, ... call refused until a run passes untouched; return how many that were."""
    for n in range(1, MOST_CALLS):
        with monkeypatch.context() as patch:
            disk = FailingDisk(patch, n, error, for_good)
            run(n)
        if disk.calls < n:
            return n - 1
    raise AssertionError("there is no end of calls")


@pytest.mark.parametrize(("error", "for_good"), [(errno.ENOSPC, True), (errno.EIO, False)])
def test_the_answer_arrives_whichever_call_fails(tmp_path, monkeypatch, error, for_good):
    cold = ask(tmp_path / "cold", LEASE).text
    warned = []

    def run(n: int) -> None:
        found = ask(tmp_path / str(n), LEASE)
        assert found.text == cold
        assert len(found.warnings) <= 1
        warned.append(bool(found.warnings))

    count = every_n(monkeypatch, error, for_good, run)
    assert count > 10
    assert any(warned)
    for n in range(1, count + 1):
        kept = check_cache(tmp_path / str(n))
        # With a warning nothing of the entry stays; without one all of it is there.
        assert kept == ([] if warned[n - 1] else [prompt_of(LEASE).prefix_len])
        assert ask(tmp_path / str(n), LEASE).text == cold


@pytest.mark.parametrize("form", ["float32", "int8/bf16"])
@pytest.mark.parametrize(("error", "for_good"), [(errno.ENOSPC, True), (errno.EIO, False)])
def test_memory_takes_over_whichever_call_fails_a_reading_on_the_disk(tmp_path, monkeypatch, error, for_good, form):
    monkeypatch.setattr(layout, "FILE_BYTES", 128 * 256)  # several files
    cold = ask(tmp_path / "cold", LEASE, form=form).text
    took_over = []

    def run(n: int) -> None:
        found = ask(tmp_path / str(n), LEASE, tier="disk", form=form)
        assert found.text == cold
        took_over.append(any("read in memory instead" in warning for warning in found.warnings))

    count = every_n(monkeypatch, error, for_good, run)
    assert count > 10
    assert any(took_over)
    assert not all(took_over)
    for n in range(1, count + 1):
        assert check_cache(tmp_path / str(n)) in ([], [prompt_of(LEASE).prefix_len])
        assert ask(tmp_path / str(n), LEASE, tier="disk", form=form).text == cold
        working = settings_in(tmp_path / str(n)).cache_working
        gc.collect()  # a reading in a cycle gives its slabs back when it is collected
        assert not working.exists() or list(working.iterdir()) == []


def test_what_was_stored_before_is_not_harmed(tmp_path, monkeypatch):
    both, lease = ask(tmp_path / "cold", LEASE, ANNEX).text, prompt_of(LEASE).prefix_len
    homes = tmp_path / "homes"

    def run(n: int) -> None:
        with monkeypatch.context() as healthy:
            for name, call in real.items():
                healthy.setattr(os, name, call)
            ask(homes / str(n), LEASE)
        found = ask(homes / str(n), LEASE, ANNEX)
        assert (found.text, found.usage.cached_tokens) == (both, lease)
        assert len(found.warnings) <= 1

    real = {name: getattr(os, name) for name in (*CALLS, "open")}
    count = every_n(monkeypatch, errno.ENOSPC, True, run)
    assert count > 10
    for n in range(1, count + 1):
        assert check_cache(homes / str(n))[0] == lease


def test_an_interrupted_reading_keeps_its_last_checkpoint_when_the_disk_is_full(tmp_path, monkeypatch):
    def interrupted(home: Path) -> None:
        backend, prompt, stop = StandIn(), prompt_of(LEASE), threading.Event()
        plan = plan_for(backend, len(prompt.token_ids), step=400)
        with Engine(settings_in(home), load=lambda model, settings: backend) as engine, pytest.raises(Stopped):
            engine.generate("m", prompt, plan, stop=stop, on_progress=lambda p: p.stage == "reading" and stop.set())

    cold = ask(tmp_path / "cold", LEASE).text
    real = {name: getattr(os, name) for name in (*CALLS, "open")}

    def run(n: int) -> None:
        with monkeypatch.context() as healthy:
            for name, call in real.items():
                healthy.setattr(os, name, call)
            interrupted(tmp_path / str(n))
        found = ask(tmp_path / str(n), LEASE)
        assert (found.text, found.usage.cached_tokens) == (cold, 400)

    count = every_n(monkeypatch, errno.ENOSPC, True, run)
    assert count > 3
    for n in range(1, count + 1):
        assert check_cache(tmp_path / str(n))[0] in (400, prompt_of(LEASE).prefix_len)


def test_a_warning_says_what_happened_and_what_to_do(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        FailingDisk(patch, 1, errno.ENOSPC, True)
        (warning,) = ask(tmp_path, LEASE).warnings
    assert "could not be kept" in warning
    assert "No space left" in warning
    assert "Free some space" in warning


def test_a_cache_folder_that_cannot_be_made_costs_a_warning_only(tmp_path):
    home = settings_in(tmp_path).home
    home.mkdir()
    (home / "cache").write_text("a file is in the way")
    found = ask(tmp_path, LEASE)
    assert found.text
    assert len(found.warnings) == 1
