"""Archives are read as streams with limits; names lead nowhere and harm is recognised."""

from __future__ import annotations

import gzip
import io
import os
import random
import stat
import struct
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.archives import ENCRYPTED, TOO_LARGE, open_archive, safe_label

SETTINGS = Settings()


def make_zip(path: Path, members: dict[str, bytes], **keywords) -> Path:
    with zipfile.ZipFile(path, "w", **keywords) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def make_tar(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def contents(path: Path, settings: Settings = SETTINGS) -> dict[str, bytes | str]:
    archive = open_archive(path, path.name, settings)
    entries, _ = archive.entries(lambda label: False)
    found: dict[str, bytes | str] = {entry.label: entry.problem for entry in entries if entry.problem}
    labels = {entry.key: entry.label for entry in entries if not entry.problem}
    found.update({labels[key]: content for key, content in archive.read(set(labels))})
    return found


def refusal(path: Path, settings: Settings = SETTINGS) -> SourceError:
    with pytest.raises(SourceError) as caught:
        contents(path, settings)
    assert caught.value.next_step
    return caught.value


MEMBERS = {"a.py": b"a = 1\n", "src/b.py": b"b" * 100_000, "empty": b""}


@pytest.mark.parametrize("make", [make_zip, make_tar, lambda path, members: make_tar(path, members, "w")])
def test_members_come_back_whole(make, tmp_path: Path):
    assert contents(make(tmp_path / "x", MEMBERS)) == MEMBERS


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_members_asked_for_while_listing_come_with_the_list(make, tmp_path: Path):
    archive = open_archive(make(tmp_path / "x", MEMBERS), "x", SETTINGS)
    entries, kept = archive.entries(lambda label: label == "a.py")
    assert kept == {next(e.key for e in entries if e.label == "a.py"): b"a = 1\n"}


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_member_over_the_limit_is_not_read(make, tmp_path: Path):
    found = contents(make(tmp_path / "x", MEMBERS), replace(SETTINGS, max_code_file_bytes=1000))
    assert found["src/b.py"] == TOO_LARGE
    assert found["a.py"] == b"a = 1\n"


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_too_many_members_are_refused(make, tmp_path: Path):
    path = make(tmp_path / "x", {f"{n}": b"" for n in range(60)})
    assert refusal(path, replace(SETTINGS, max_archive_entries=50)).code == "bomb"


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_more_bytes_than_allowed_are_refused(make, tmp_path: Path):
    path = make(tmp_path / "x", {f"{n}": bytes(10_000) for n in range(20)})
    assert refusal(path, replace(SETTINGS, max_archive_bytes=100_000)).code == "bomb"


def test_a_small_archive_that_unfolds_without_end_is_refused(tmp_path: Path):
    million = bytes(1_000_000)
    path = make_zip(tmp_path / "x", {f"{n}.txt": million for n in range(80)}, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 600_000
    assert refusal(path).code == "bomb"


def test_members_that_share_their_bytes_are_refused(tmp_path: Path):
    path = make_zip(tmp_path / "x.zip", {f"{n}.txt": bytes(5000) for n in range(5)})
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<L", data, at + 42, 0)  # the last entry now points to the first member
    path.write_bytes(data)
    assert refusal(path).code == "bomb"


def test_members_that_enclose_each_other_are_refused(tmp_path: Path):
    path = make_zip(tmp_path / "x.zip", {f"{n}.txt": bytes(5000) for n in range(5)})
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    struct.pack_into("<LL", data, at + 20, 9000, 9000)  # the first claims bytes of the second
    path.write_bytes(data)
    assert refusal(path).code == "bomb"


def test_a_lie_about_the_size_of_a_member_is_a_problem_of_that_member(tmp_path: Path):
    path = make_zip(tmp_path / "x.zip", {"a": b"x" * 500, "b": b"fine"}, compression=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.find(b"PK\x01\x02") + 24, 5)
    path.write_bytes(data)
    found = contents(path)
    assert isinstance(found["a"], str)
    assert found["b"] == b"fine"


def test_protected_members_are_named_as_such(tmp_path: Path):
    path = make_zip(tmp_path / "x.zip", {"a": b"secret", "b": b"open"})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + offset] |= 1
    path.write_bytes(data)
    assert contents(path) == {"a": ENCRYPTED, "b": b"open"}


def test_links_and_devices_are_never_read(tmp_path: Path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name, kind in (("sym", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("fifo", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("null")
        info.type = tarfile.CHRTYPE
        archive.addfile(info)
    assert all(isinstance(content, str) for content in contents(tmp_path / "x.tar").values())
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        link = zipfile.ZipInfo("sym")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert contents(tmp_path / "x.zip") == {"sym": "it is a link"}


HOSTILE = [
    "../up",
    "a/../../up",
    "/etc/passwd",
    "C:\\windows\\x",
    "\\\\server\\x",
    "..\\up",
    "a\0b",
    "x" * 2000,
    "..",
    "/",
]


@pytest.mark.parametrize("raw", HOSTILE)
def test_names_that_lead_elsewhere_are_labels_only(raw: str):
    label, problem = safe_label(raw)
    assert problem
    assert label
    assert len(label) <= 1000
    assert "\0" not in label


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ("a/b.py", "a/b.py"),
        ("./a//b.py", "a/b.py"),
        ("a\\b.py", "a/b.py"),
        ("a\nb\u202e.py", "a b.py"),
        ("two  spaces ", "two  spaces "),
        ("..a", "..a"),
    ],
)
def test_ordinary_names_become_clean_labels(raw: str, label: str):
    assert safe_label(raw) == (label, "")


@given(st.text(st.characters()))
def test_every_name_becomes_a_label_that_can_be_stored(raw: str):
    label, _ = safe_label(raw)
    label.encode("utf-8")
    assert label
    assert not label.startswith("/")
    assert not set(label) & set("\0\n\r\t\u202e\u200b")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_hostile_names_in_an_archive_touch_nothing(make, tmp_path: Path):
    inside = tmp_path / "inside"
    inside.mkdir()
    names = [name for name in HOSTILE if "\0" not in name]
    before = sorted(os.listdir(tmp_path))
    found = contents(make(inside / "x", {**dict.fromkeys(names, b"harm"), "good.py": b"a\n"}))
    assert found["good.py"] == b"a\n"
    assert b"harm" not in found.values()
    assert sorted(os.listdir(tmp_path)) == before
    assert os.listdir(inside) == ["x"]


def test_of_two_members_with_one_name_the_last_counts(tmp_path: Path):
    for path in (tmp_path / "x.zip", tmp_path / "x.tar"):
        make = make_zip if path.suffix == ".zip" else make_tar
        make(path, {"a": b"first", "b": b"second"})
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".tar" else path.read_bytes()
        if path.suffix == ".zip":
            data = data.replace(b"\x01\0\0\0b", b"\x01\0\0\0a")
            at = [i for i in range(len(data)) if data.startswith((b"PK\x03\x04", b"PK\x01\x02"), i)]
            patched = bytearray(data)
            for i in at:
                patched[i + (30 if data.startswith(b"PK\x03", i) else 46)] = ord("a")
            path.write_bytes(patched)
        else:
            with tarfile.open(path, "w") as archive:
                for content in (b"first", b"second"):
                    info = tarfile.TarInfo("a")
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
        assert contents(path) == {"a": b"second"}


@pytest.mark.parametrize("make", [make_zip, make_tar, lambda path, members: make_tar(path, members, "w")])
def test_damage_anywhere_is_one_clear_error_or_a_problem_of_a_member(make, tmp_path: Path):
    whole = make(tmp_path / "x", {f"src/{n}.py": f"value = {n}\n".encode() * 50 for n in range(6)}).read_bytes()
    chance = random.Random(1)
    path = tmp_path / "damaged"
    for _ in range(150):
        data = bytearray(whole)
        if chance.random() < 0.3:
            del data[chance.randrange(4, len(data)) :]
        else:
            for _ in range(chance.choice((1, 3, 20))):
                data[chance.randrange(2, len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        try:
            found = contents(path)
        except SourceError as error:
            if error.code not in ("damaged", "bomb"):
                raise
        else:
            assert all(isinstance(content, bytes | str) for content in found.values())
