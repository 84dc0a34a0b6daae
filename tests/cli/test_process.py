"""What only a real process shows: instant help, Ctrl-C, pipes that close, odd terminals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "LONGDOC_HOME": str(home), "LONGDOC_THREADS": "1", **more}


def longdoc(*argv: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "longdoc", *argv], capture_output=True, text=True, env=environment(home, **more)
    )


def test_help_names_every_command_without_loading_anything_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom longdoc.cli import main\n"
        "assert main(['--help']) == 0\n"
        "heavy = {'torch', 'transformers', 'numpy', 'tokenizers', 'httpx', 'sqlite3'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(tmp_path))
    assert done.returncode == 0, done.stderr
    for command in (
        "serve",
        "ask",
        "read",
        "plan",
        "summarize",
        "transcribe",
        "compare",
        "evaluate",
        "cache",
        "library",
        "models",
    ):
        assert f"\n    {command} " in done.stdout or f"    {command}\n" in done.stdout


@pytest.mark.parametrize("command", [["ask"], ["cache", "prune"], ["models", "pull"], ["library", "remove"]])
def test_every_command_has_help(command: list[str], tmp_path: Path) -> None:
    done = longdoc(*command, "--help", home=tmp_path)
    assert done.returncode == 0
    assert "usage: longdoc" in done.stdout


@pytest.mark.model
def test_ctrl_c_while_reading_stops_cleanly_and_what_was_read_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("".join(f"In year {i} the garden had {i * 7} trees and a wall.\n" for i in range(2500)))
    process = subprocess.Popen(
        [sys.executable, "-m", "longdoc", "ask", str(path), "-q", "How many trees in year 7?", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path / "home"),
    )
    assert process.stderr is not None
    seen = ""
    for line in process.stderr:
        seen += line
        if line.startswith("Reading"):
            process.send_signal(signal.SIGINT)
            break
    out, rest = process.communicate(timeout=120)
    assert process.returncode == 130, seen + rest
    assert out == ""
    assert rest.strip().splitlines()[-1] == "longdoc: Stopped."
    assert "Traceback" not in rest
    kept = longdoc("cache", "list", "--json", home=tmp_path / "home")
    assert '"n_tokens": ' in kept.stdout


def test_a_reader_that_has_enough_does_not_cause_a_complaint(tmp_path: Path) -> None:
    command = f"{sys.executable} -m longdoc --help | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment(tmp_path))
    assert done.stderr == ""
    assert done.stdout.startswith("usage: longdoc")


def test_odd_names_in_a_terminal_of_ascii_are_no_fault(tmp_path: Path) -> None:
    done = longdoc("plan", "döner\u202e.pdf\n", home=tmp_path, PYTHONIOENCODING="ascii", LANG="C")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "not found" in done.stderr
