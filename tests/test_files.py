"""Tests of longdoc/files.py and longdoc/settings.py."""

import os
from pathlib import Path

import pytest

from longdoc.errors import StoreError, UserError
from longdoc.files import atomic_write, atomic_writer, display_name, sha256_text
from longdoc.settings import load_settings


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    atomic_write(path, b"old")

    def fail() -> None:
        with atomic_writer(path) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_full_disk_is_one_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreError, match="No space left on device") as caught:
        atomic_write(tmp_path / "a.json", b"new")
    assert caught.value.next_step
    assert os.listdir(tmp_path) == []


def test_joined_texts_of_different_parts_have_different_hashes() -> None:
    assert sha256_text("ab", "c") != sha256_text("a", "bc")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.pdf", "y.pdf"),
        ("a\u202efdp.exe", "a\N{REPLACEMENT CHARACTER}fdp.exe"),
        ("\0", "unnamed"),
    ],
)
def test_shown_names_have_no_folders_and_no_direction_marks(name: str, shown: str) -> None:
    assert display_name(name) == shown


def test_long_names_keep_their_ending() -> None:
    assert display_name("x" * 500 + ".pdf").endswith(".pdf")
    assert len(display_name("x" * 500 + ".pdf")) <= 120


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean LONGDOC_HOME"):
        load_settings({"LONGDOC_HOEM": "/x"})


def test_settings_come_from_the_environment_and_are_checked(tmp_path: Path) -> None:
    settings = load_settings({"LONGDOC_HOME": str(tmp_path), "LONGDOC_TOP_K": "7", "PATH": "/bin"})
    assert (settings.home, settings.top_k, settings.cache) == (tmp_path, 7, tmp_path / "cache")
    for bad in ("seven", "-1"):
        with pytest.raises(UserError, match="LONGDOC_TOP_K"):
            load_settings({"LONGDOC_TOP_K": bad})
