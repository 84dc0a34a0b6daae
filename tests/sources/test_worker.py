"""Loaders that hang, hoard, crash, flood and lie end as one clear error, and the caller goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from longdoc.errors import SourceError, Stopped
from longdoc.settings import Settings
from longdoc.sources.worker import run

PRETEND = Path(__file__).parent / "pretend"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(PRETEND))
    path = tmp_path / "file.txt"
    path.write_text("Grüße, 日本", encoding="utf-8")
    return path


def pretend(function: str, path: Path, settings: Settings, **keywords):
    return run(f"pretend_loaders:{function}", path, "file.txt", settings, **keywords)


def error_of(function: str, path: Path, settings: Settings) -> SourceError:
    with pytest.raises(SourceError) as caught:
        pretend(function, path, settings)
    assert "Traceback" not in str(caught.value)
    assert caught.value.next_step
    return caught.value


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def test_text_segments_options_and_settings_cross_the_pipe_unchanged(file: Path, settings: Settings):
    loaded = pretend("good", file, settings, options={"more": " \U0001f600"})
    assert loaded.text == "Grüße, 日本 \U0001f600"
    assert (loaded.segments[0].start, loaded.segments[0].end) == (0, len(loaded.text))
    assert loaded.details == {"home": str(settings.home)}
    assert loaded.title == "file.txt"


def test_progress_arrives_in_order_with_the_last_step(file: Path, settings: Settings):
    seen: list[tuple[int, int, str]] = []
    pretend("good", file, settings, on_progress=lambda *step: seen.append(step))
    assert seen == [(1, 2, "half"), (2, 2, "done")]


@pytest.mark.parametrize("function", ["sleeps", "spins"])
def test_a_hang_is_given_up(function: str, file: Path, settings: Settings):
    assert error_of(function, file, replace(settings, loader_timeout_s=0.7)).code == "timeout"


@pytest.mark.parametrize("function", ["allocates", "allocates_at_once"])
def test_a_hoarder_is_stopped_before_the_machine_suffers(function: str, file: Path, settings: Settings):
    assert error_of(function, file, replace(settings, loader_memory_bytes=150 << 20)).code == "too_much_memory"


@pytest.mark.parametrize("function", ["exits", "crashes"])
def test_a_dead_child_is_one_clear_error(function: str, file: Path, settings: Settings):
    assert error_of(function, file, settings).code == "crashed"


def test_a_child_killed_by_the_system_is_reported_as_out_of_memory(file: Path, settings: Settings):
    def kill(_done: int, _total: int, what: str) -> None:
        os.kill(int(what.split()[1]), signal.SIGKILL)

    with pytest.raises(SourceError) as caught:
        pretend("sleeps", file, settings, on_progress=kill)
    assert caught.value.code == "too_much_memory"


def test_gigabytes_on_standard_output_go_nowhere(file: Path, settings: Settings):
    assert pretend("prints", file, settings).text == "quiet"


def test_a_lie_about_the_length_of_the_answer_is_refused_unread(file: Path, settings: Settings):
    assert error_of("garbles", file, settings).code == "too_large"


@pytest.mark.parametrize(
    ("function", "code"),
    [
        ("returns_too_much", "too_large"),
        ("returns_bomb", "bomb"),
        ("returns_nothing", "no_text"),
        ("returns_disorder", "crashed"),
        ("refuses", "encrypted"),
        ("stumbles", "damaged"),
        ("nests", "damaged"),
    ],
)
def test_what_a_loader_gives_is_checked(function: str, code: str, file: Path, settings: Settings):
    error = error_of(function, file, replace(settings, max_text_characters=3_000_000))
    assert error.code == code
    assert "secret words" not in str(error)


def test_a_missing_loader_is_an_error_not_a_hang(file: Path, settings: Settings):
    assert error_of("no_such_function", file, settings).code == "damaged"


def test_loaders_have_no_network(file: Path, settings: Settings):
    assert pretend("connects", file, settings).text == "refused"


def test_loaders_cannot_fill_the_disk(file: Path, settings: Settings):
    assert error_of("writes", file, settings).code == "damaged"
    assert Path(f"{file}.out").stat().st_size <= 16 << 20


def test_stop_ends_the_child(file: Path, settings: Settings):
    stop = threading.Event()
    pids: list[int] = []

    def on_progress(_done: int, _total: int, what: str) -> None:
        pids.append(int(what.split()[1]))
        stop.set()

    with pytest.raises(Stopped):
        pretend("sleeps", file, settings, on_progress=on_progress, stop=stop)
    assert not is_alive(pids[0])


def test_an_error_in_the_progress_callback_ends_the_child(file: Path, settings: Settings):
    pids: list[int] = []

    def on_progress(_done: int, _total: int, what: str) -> None:
        pids.append(int(what.split()[1]))
        raise KeyError("screen is gone")

    with pytest.raises(KeyError):
        pretend("sleeps", file, settings, on_progress=on_progress)
    assert not is_alive(pids[0])


def test_after_every_fault_the_next_file_is_read(file: Path, settings: Settings):
    for function in ("exits", "stumbles", "crashes"):
        error_of(function, file, settings)
    assert pretend("good", file, settings).text.startswith("Grüße")


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to see the child")
def test_a_child_does_not_outlive_a_killed_parent(file: Path, settings: Settings):
    script = (
        "import sys; from pathlib import Path; from longdoc.settings import Settings\n"
        "from longdoc.sources.worker import run\n"
        "run('pretend_loaders:sleeps', Path(sys.argv[1]), 'f', Settings(),"
        " on_progress=lambda d, t, what: print(what, flush=True))"
    )
    root = str(Path(__file__).resolve().parents[2])
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(file)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([root, str(PRETEND)])},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline().split()[1])
    assert is_alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(1200):
        if not is_alive(pid):
            break
        time.sleep(0.05)
    assert not is_alive(pid)


def test_a_file_named_like_a_library_in_the_working_folder_is_not_imported(
    file: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the working folder')")
    monkeypatch.chdir(tmp_path)
    assert pretend("good", file, settings).text.startswith("Grüße")
