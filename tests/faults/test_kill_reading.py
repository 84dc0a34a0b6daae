"""SIGKILL at any moment of reading and saving: every entry is whole or absent, and nothing read is lost."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from standin import StandIn, plan_for, prompt_of, settings_in, stored_bytes, text_of

from longdoc.cache import layout
from longdoc.cache.disk import DiskCache
from longdoc.engine import Engine

N_TOKENS = 3000
STEP_S = 0.004
LONGEST_S = 0.5  # an undisturbed reading takes about as long


@pytest.fixture
def reader():
    """A process that forks readings, so that one import serves all rounds."""
    script = Path(__file__).with_name("killed_reader.py")
    path = os.pathsep.join([str(script.parents[2]), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    yield process
    process.stdin.close()
    process.stdout.close()
    process.wait(30)


def expected(backend: StandIn, seed: str, tier: str, form: str):
    """Return prompt, plan and a reading of it that nothing has disturbed."""
    prompt = prompt_of(text_of(N_TOKENS, seed))
    plan = plan_for(backend, len(prompt.token_ids), tier=tier, kv_dtype=form)
    reading = backend.new_cache(plan, prompt.prefix_len)
    for _ in backend.prefill(prompt.token_ids[: prompt.prefix_len], reading, plan, threading.Event()):
        pass
    return prompt, plan, reading


def rounds(reader, tmp_path: Path, count: int, seed: int, tier: str, form: str) -> list[str]:
    """Kill `count` readings at random moments, checking the cache after each; return how each ended."""
    random_moment = random.Random(seed)
    settings = settings_in(tmp_path)
    cache = DiskCache(settings.cache, settings.cache_budget_bytes)
    backend, ended, document = StandIn(working=settings.cache_working), [], 0
    file_bytes = layout.FILE_BYTES if tier == "ram" else 128 * 512  # several files of a reading on the disk
    kept = 0
    for _ in range(count):
        prompt, plan, whole = expected(backend, f"{seed}-{document}", tier, form)
        job = {"home": str(settings.home), "seed": f"{seed}-{document}", "n_tokens": N_TOKENS, "step_s": STEP_S}
        job |= {"tier": tier, "form": form, "file_bytes": file_bytes}
        reader.stdin.write(json.dumps(job) + "\n")
        reader.stdin.flush()
        process = int(reader.stdout.readline())
        time.sleep(random_moment.random() * LONGEST_S)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        ended.append(reader.stdout.readline().strip())

        assert [entry.problem for entry in cache.verify()] == [""] * len(cache.entries())
        match = cache.find(backend.fingerprint(plan), prompt.token_ids[: prompt.prefix_len]).match
        n_tokens = match.n_tokens if match else 0
        assert n_tokens >= kept, "a reading that goes on must not lose what was there"
        if match:
            restored = backend.new_cache(plan, prompt.prefix_len)
            cache.load(match, restored)
            assert stored_bytes(restored) == stored_bytes(whole, n_tokens)
        if ended[-1] == "done":
            assert n_tokens == prompt.prefix_len
        kept = n_tokens
        if n_tokens == prompt.prefix_len:
            document, kept = document + 1, 0
    with Engine(settings, load=lambda model, given: backend) as engine:
        prompt, plan, whole = expected(backend, f"{seed}-{document}", tier, form)
        found = engine.generate("m", prompt, plan)
        assert found.usage.cached_tokens == kept
        assert found.warnings == ()
        apart = settings_in(tmp_path / "cold")
        with Engine(apart, load=lambda model, given: StandIn(working=apart.cache_working)) as cold:
            assert found.text == cold.generate("m", prompt, plan).text
        assert [path.name for path in cache.readings.iterdir() if path.name.startswith(".")] == []
    if tier == "disk":
        left = [path.name for path in settings.cache_working.iterdir()]
        assert [name for name in left if not name.startswith(f"{os.getpid()}-")] == []
    return ended


WAYS = [("ram", "float32"), ("disk", "float32"), ("disk", "int8/bf16")]


@pytest.mark.parametrize(("tier", "form"), WAYS)
def test_ten_kills_leave_every_entry_whole_or_absent_and_the_reading_goes_on(reader, tmp_path, tier, form):
    ended = rounds(reader, tmp_path, 10, seed=1, tier=tier, form=form)
    assert "killed" in ended
    assert "failed" not in ended


@pytest.mark.torture
@pytest.mark.parametrize(("tier", "form"), WAYS)
def test_a_hundred_kills_leave_every_entry_whole_or_absent(reader, tmp_path, tier, form):
    ended = rounds(reader, tmp_path, 100, seed=2, tier=tier, form=form)
    assert ended.count("killed") > 20
    assert "failed" not in ended
