"""Kills, second writers, damage, newer versions, a full disk: nothing stored is harmed, everything is explained."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from longdoc.errors import StoreError
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.store import connection as connection_module
from longdoc.store import migrations as migrations_module
from longdoc.store.connection import Connection
from longdoc.store.migrations import migrate

ROOT = Path(__file__).resolve().parents[2]

# Adds, indexes, asks about and removes documents until it ends or is killed; says what it finished.
WRITER = """
import hashlib, os, sys
from pathlib import Path
import sqlite_utils
from longdoc.retrieval import Index, chunks
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.types import Answer, Document, Source

def work(home, name, rounds):
    with Library(Settings(home=home)) as library:
        index = Index(library)
        for number in range(rounds):
            text = f"{name} {number} " + "The rent is 1,240 euros. " * 60
            data = text.encode()
            file = home / f"{name}.txt"
            file.write_bytes(data)
            identity = hashlib.sha256(data).hexdigest()
            source = Source(identity, file.name, "text/plain", len(data), str(file))
            document = Document(identity[::-1], identity, f"{name} {number}", text, loader="text")
            library.add_document(source, document, file)
            index.add(document, chunks(document, lambda t: len(t.split())))
            thread = library.add_thread("Rent", [document.id])
            library.add_turn(thread, Answer("?", "single", text[:50], "end", "reader", None))
            if number % 3 == 2:
                library.remove(document.id)
            print(number, flush=True)

home, name, rounds, children = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
for child in range(children):  # forked before the library is opened: each child is a process of its own
    sys.stdin.readline()
    if not (pid := os.fork()):
        print("pid", os.getpid(), flush=True)
        work(home, f"{name} {child}", rounds)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    print("ended", status, flush=True)
"""


def writer(home: Path, name: str, rounds: int, children: int = 1) -> subprocess.Popen[str]:
    arguments = [str(home), name, str(rounds), str(children)]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def killed_rounds(home: Path, rounds: int) -> None:
    chance = random.Random(7)
    home.mkdir(parents=True)
    with writer(home, "child", 1000, rounds) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        for number in range(rounds):
            parent.stdin.write("next\n")
            parent.stdin.flush()
            pid = int(parent.stdout.readline().removeprefix("pid "))
            finished = 0
            assert parent.stdout.readline().strip() == "0"
            time.sleep(chance.random() * 0.15)
            os.kill(pid, signal.SIGKILL)
            while not (line := parent.stdout.readline()).startswith("ended"):
                finished = int(line)
            with Library(Settings(home=home)) as library:
                assert library.check() == []
                titles = {item.title for item in library.documents()}
                for done in range(finished + 1):
                    assert (f"child {number} {done}" in titles) == (done % 3 != 2)
                for item in library.documents():
                    assert len(library.document(item.document_id).text) == item.n_characters
                needed = {item.source.id for item in library.documents()}
                assert {p.name for p in library.settings.library.rglob("*") if p.is_file()} == needed


def test_a_kill_at_any_moment_loses_nothing_that_was_finished_and_leaves_no_leftovers(tmp_path: Path) -> None:
    killed_rounds(tmp_path / "home", 10)


@pytest.mark.torture
@pytest.mark.timeout(1200)
def test_a_hundred_kills_harm_nothing(tmp_path: Path) -> None:
    killed_rounds(tmp_path / "home", 100)


def test_two_processes_write_at_once_and_both_keep_everything(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    children = [writer(home, name, 12) for name in ("anna", "berta")]
    said = [child.communicate("next\n", timeout=120)[0] for child in children]
    assert all(text.endswith("ended 0\n") for text in said)
    with Library(Settings(home=home)) as library:
        assert library.check() == []
        expected = {f"{name} 0 {n}" for name in ("anna", "berta") for n in range(12) if n % 3 != 2}
        assert {item.title for item in library.documents()} == expected
        assert len(library.threads()) == 24


def test_threads_of_one_process_write_and_read_at_once(library: Library) -> None:
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(20):
                library.add_collection(f"{name} {number}")
                library.collections()
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert failures == []
    assert len(library.collections()) == 60


def test_a_reader_sees_the_last_committed_state_while_another_thread_writes(library: Library) -> None:
    library.add_collection("before")
    inside, seen = threading.Event(), threading.Event()
    names: list[list[str]] = []

    def read() -> None:
        inside.wait(10)
        names.append([collection.name for collection in library.collections()])
        seen.set()

    reader = threading.Thread(target=read)
    reader.start()
    with library.writing():
        library.add_collection("during")
        inside.set()
        assert seen.wait(10)
        assert [collection.name for collection in library.collections()] == ["before", "during"]
    reader.join()
    assert names == [["before"]]


def test_a_write_that_fails_half_way_leaves_nothing(library: Library) -> None:
    def stopped_half_way() -> None:
        with library.writing():
            library.add_collection("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_half_way()
    assert library.collections() == []
    library.add_collection("whole")
    assert [collection.name for collection in library.collections()] == ["whole"]


def test_a_writer_that_holds_on_for_too_long_is_named_as_busy(
    library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "BUSY_S", 0.05)
    with Connection(settings.database) as other, other.writing():
        with pytest.raises(StoreError, match="Another LongDoc process") as caught:
            library.add_collection("later")
        assert caught.value.code == "busy"
    library.add_collection("later")


def test_migrations_are_applied_once_each_with_its_record(settings: Settings) -> None:
    for _ in range(2):
        with Library(settings) as library, library.reading() as db:
            rows = [row["name"] for row in db["_sqlite_migrations"].rows]
            assert rows == [step.__name__ for step in migrations_module.STEPS]


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Library(settings) as library:
        library.add_collection("kept")

    def broken_step(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half_done (id INTEGER)")
        raise RuntimeError("interrupted")

    with monkeypatch.context() as patch:
        patch.setattr(migrations_module, "STEPS", (*migrations_module.STEPS, broken_step))
        with pytest.raises(RuntimeError):
            Library(settings)
    with Library(settings) as library, library.reading() as db:
        assert [collection.name for collection in library.collections()] == ["kept"]
        assert "half_done" not in db.table_names()


def test_a_database_of_a_newer_version_is_readable_not_writable_and_unchanged(
    settings: Settings, given: Callable
) -> None:
    source, document, file = given()
    with Library(settings) as library:
        library.add_document(source, document, file)
        with library.writing() as db:
            db["_sqlite_migrations"].insert(
                {"migration_set": migrations_module.SET_NAME, "name": "from_the_future", "applied_at": "2030"}
            )
    before = settings.database.read_bytes()
    with Library(settings) as library:
        assert library.read_only
        assert "newer version" in library.notice
        assert library.document(document.id).text == document.text
        with pytest.raises(StoreError, match="newer version") as caught:
            library.add_collection("no")
        assert caught.value.code == "newer"
        with pytest.raises(StoreError):
            library.remove(document.id)
    assert settings.database.read_bytes() == before
    with Connection(settings.database) as raw, pytest.raises(StoreError):
        migrate(raw)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"not a database at all, but long enough to be one" * 20, id="other bytes"),
        pytest.param(lambda data: data[:100] + b"\xff" * 4000 + data[4100:], id="first page overwritten"),
        pytest.param(lambda data: data[: len(data) // 3], id="cut short"),
    ],
)
def test_a_damaged_database_is_explained_and_left_as_it_is(
    settings: Settings, given: Callable, damage: Callable[[bytes], bytes]
) -> None:
    source, document, file = given()
    with Library(settings) as library:
        library.add_document(source, document, file)
    settings.database.write_bytes(damage(settings.database.read_bytes()))
    before = settings.database.read_bytes()

    def use() -> None:
        with Library(settings) as library:
            library.document(document.id)
            library.check()

    with pytest.raises(StoreError) as caught:
        use()
    assert caught.value.code == "damaged"
    assert str(settings.database) in str(caught.value)
    assert "backup" in caught.value.next_step
    assert settings.database.read_bytes() == before
    assert (settings.library / source.id[:2] / source.id).read_bytes() == file.read_bytes()


def test_damage_found_while_running_ends_all_further_writing(settings: Settings) -> None:
    with Library(settings) as library:
        library.add_thread("Rent")
        with library.reading() as db:
            page_size = db.execute("PRAGMA page_size").fetchone()[0]
            page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'threads'").fetchone()[0]
    data = bytearray(settings.database.read_bytes())
    data[(page - 1) * page_size : page * page_size] = b"\xa5" * page_size
    settings.database.write_bytes(data)
    with Library(settings) as library:
        with pytest.raises(StoreError) as caught:
            library.threads()
        assert caught.value.code == "damaged"
        with pytest.raises(StoreError) as caught:
            library.add_collection("after the damage")
        assert caught.value.code == "damaged"
        assert library.notice
    assert settings.database.read_bytes() == bytes(data)


def test_a_full_disk_is_one_clear_error_and_harms_nothing(library: Library, given: Callable) -> None:
    source, document, file = given()
    library.add_document(source, document, file)
    with library.reading() as _, library.exclusive():
        connection = library._writer.conn
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    big_source, big_document, big_file = given("".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(200_000)))
    with pytest.raises(StoreError, match="disk is full") as caught:
        library.add_document(big_source, big_document, big_file)
    assert caught.value.code == "disk"
    assert caught.value.next_step
    assert [item.document_id for item in library.documents()] == [document.id]
    assert library.find_source(big_source.id) is None
    assert {p.name for p in library.settings.library.rglob("*") if p.is_file()} == {source.id}
    connection.execute("PRAGMA max_page_count = 1000000")
    assert library.add_document(big_source, big_document, big_file)
    assert library.check() == []


def test_too_little_space_for_a_file_is_refused_before_copying(
    library: Library, given: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, document, file = given()
    monkeypatch.setattr("longdoc.store.blobs.free_bytes", lambda folder: 1000)
    with pytest.raises(StoreError, match="nearly full"):
        library.add_document(source, document, file)
    assert library.documents() == []


def test_a_home_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError) as caught:
        Library(Settings(home=tmp_path / "file" / "home"))
    assert caught.value.code == "disk"


def test_checking_names_bytes_that_are_missing(library: Library, given: Callable) -> None:
    source, document, file = given(name="lease.pdf")
    library.add_document(source, document, file)
    Path(library.source(source.id).path).unlink()
    assert library.check() == ["the kept file of lease.pdf is missing"]
