"""The command line as people script against it: JSON, exit codes, one sentence for every mistake."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longdoc.cli import main
from longdoc.settings import Settings

CITATION = {"source", "label", "page", "line_start", "line_end", "start_s", "end_s", "start", "end"}
CITATION |= {"quote", "status", "origin"}
USAGE = {"prompt_tokens", "cached_tokens", "output_tokens", "read_s", "first_token_s", "total_s", "peak_bytes"}
PLAN = {"position_method", "attention", "cache_tier", "n_tokens", "window", "zone"}
LEASE = "LEASE\n\nThe tenant shall pay 1,240 euros each month.\n\nNotice is thirty days.\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("LONGDOC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LONGDOC_THREADS", "1")

    def call(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(argv))
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


@pytest.fixture
def lease(tmp_path: Path) -> str:
    path = tmp_path / "lease.txt"
    path.write_text(LEASE, encoding="utf-8")
    return str(path)


def parsed(out: str) -> dict[str, Any]:
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


@pytest.mark.model
def test_ask_prints_the_json_contract_for_both_ways(run: Run, lease: str, tmp_path: Path) -> None:
    shop = tmp_path / "shop.zip"
    with zipfile.ZipFile(shop, "w") as archive:
        archive.writestr("src/cart.py", "def total(items):\n    return round(sum(items), 2)\n")
    question = "How much shall the tenant pay?"
    code, out, err = run("ask", lease, str(shop), "-q", question, "--mode", "both", "--json")
    found = parsed(out)
    assert code == 0
    assert (found["question"], found["model"]) == (question, "reader")
    assert [answer["mode"] for answer in found["answers"]] == ["single", "chunked"]
    for answer in found["answers"]:
        assert set(answer) == {"mode", "text", "stop_reason", "plan", "citations", "omitted", "usage"}
        assert set(answer["plan"]) == PLAN
        assert set(answer["usage"]) == USAGE
        for citation in answer["citations"]:
            assert set(citation) == CITATION
            if citation["source"] == "lease.txt":
                assert LEASE[citation["start"] : citation["end"]] == citation["quote"]
    assert "Reading" in err


@pytest.mark.model
def test_a_second_question_finds_the_documents_already_read(run: Run, lease: str) -> None:
    Path(lease).write_text(LEASE * 20, encoding="utf-8")
    first = parsed(run("ask", lease, "-q", "How much is the rent?", "--json")[1])["answers"][0]
    second = parsed(run("ask", lease, "-q", "What is the notice?", "--json")[1])["answers"][0]
    assert first["usage"]["cached_tokens"] == 0
    assert second["usage"]["cached_tokens"] > 300
    code, out, _ = run("cache", "list", "--json")
    assert [entry["n_tokens"] for entry in parsed(out)["entries"]] == [second["usage"]["cached_tokens"]]
    assert parsed(run("cache", "verify", "--json")[1])["damaged"] == 0
    assert parsed(run("cache", "prune", "--keep", "0", "--json")[1])["deleted"] == 1
    assert code == 0


@pytest.mark.model
def test_read_plan_and_summarize_print_their_nouns(run: Run, lease: str) -> None:
    code, out, _ = run("plan", lease, "--json")
    assert code == 0
    assert set(parsed(out)["plan"]) >= PLAN
    assert parsed(out)["plan"]["reasons"]
    read = parsed(run("read", lease, "--json")[1])
    assert set(read["usage"]) == USAGE
    assert set(read["plan"]) >= PLAN
    summary = parsed(run("summarize", lease, "--template", "contract", "--json")[1])
    assert summary["method"] == "extractive"
    titles = {section["title"]: section["items"] for section in summary["sections"]}
    assert titles["Payments"][0]["text"] == "The tenant shall pay 1,240 euros each month."
    (citation,) = titles["Payments"][0]["citations"]
    assert LEASE[citation["start"] : citation["end"]] == citation["quote"]
    assert citation["status"] == "verified"
    assert titles["Changes and amendments"] == [{"text": "None stated", "citations": []}]


@pytest.mark.model
def test_compare_gives_three_answers_and_what_each_read(run: Run, lease: str) -> None:
    code, out, _ = run("compare", lease, "-q", "What is the notice?", "--json")
    found = parsed(out)
    assert code == 0
    assert [answer["mode"] for answer in found["answers"]] == ["single", "chunked", "none"]
    assert found["share_read"]["single"] == 1.0
    assert isinstance(found["differences"], list)


@pytest.mark.model
def test_one_bad_source_is_told_and_the_others_are_read(run: Run, lease: str, tmp_path: Path) -> None:
    code, out, err = run("plan", str(tmp_path / "gone.pdf"), lease, "--json")
    assert code == 0
    assert any("gone.pdf was not found" in warning for warning in parsed(out)["warnings"])
    assert "gone.pdf was not found" in err


@pytest.mark.model
def test_people_get_text_and_scripts_get_nothing_but_json(run: Run, lease: str) -> None:
    code, out, _ = run("ask", lease, "-q", "What is the notice?", "--mode", "both")
    assert code == 0
    assert out.startswith("Single pass\n")
    assert "\nChunked\n" in out
    assert "tokens" in out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "No command"),
        (["unknown"], "unknown"),
        (["ask"], "required"),
        (["ask", "LEASE"], "-q"),
        (["ask", "LEASE", "-q", ""], "question is empty"),
        (["ask", "LEASE", "-q", " \n"], "question is empty"),
        (["ask", "LEASE", "-q", "x" * 100_000], "100,000 characters"),
        (["ask", "LEASE", "-q", "Why?", "--top-k", "0"], "less than 1"),
        (["ask", "LEASE", "-q", "Why?", "--top-k", "many"], "whole number"),
        (["ask", "LEASE", "-q", "Why?", "--mode", "none"], "--mode"),
        (["ask", "LEASE", "-q", "Why?", "--model", "no-such-model"], "no model"),
        (["ask", "LEASE", "-q", "Why?", "--model", "http://"], "address"),
        (["ask", "LEASE", "-q", "Why?", "--position", "nonsense"], "nonsense"),
        (["ask", "LEASE", "-q", "Why?", "--window", "100"], "over the window"),
        (["ask", "no such file.txt", "-q", "Why?"], "not found"),
        (["ask", "no such file.txt", "nor this.pdf", "-q", "Why?"], "None of the 2 sources"),
        (["ask", "\x00", "-q", "Why?"], "could not be opened"),
        (["ask", "EMPTY", "-q", "Why?"], "is empty"),
        (["ask", "BINARY", "-q", "Why?"], "binary.pdf"),
        (["ask", "NOTES", "-q", "Why?"], "notes.mp3 is not a recording that can be read: it holds text"),
        (["transcribe", "NOTES"], "notes.mp3 is not a recording that can be read: it holds text"),
        (["read", "LEASE", "--model", "http://localhost:1/v1"], "local model"),
        (["summarize", "LEASE", "--template", "poem"], "--template"),
        (["transcribe", "a.wav"], "was not found"),
        (["serve", "--auth", "nobody"], "password"),
        (["evaluate"], "required"),
        (["evaluate", "nothing"], "nothing"),
        (["cache"], "required"),
        (["library", "remove", "nothing"], "no document nothing"),
        (["library", "export", "EMPTY"], "exists already"),
        (["models", "show", "no-such-model"], "no model"),
        (["models", "pull", "../../etc"], "not a name"),
    ],
)
def test_every_mistake_is_one_sentence_and_exit_code_2(
    run: Run, lease: str, tmp_path: Path, argv: list[str], words: str
) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "binary.pdf").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "notes.mp3").write_text("These are the notes of the meeting, and no sound.\n" * 20)
    stands_for = {"LEASE": lease, "EMPTY": str(tmp_path / "empty.txt"), "BINARY": str(tmp_path / "binary.pdf")}
    stands_for["NOTES"] = str(tmp_path / "notes.mp3")
    code, out, err = run(*[stands_for.get(word, word) for word in argv])
    assert code == 2
    assert out == ""
    last = err.strip().splitlines()[-1]
    assert last.startswith("longdoc: ")
    assert words.lower() in last.lower()
    assert len(last) < 400


def test_the_web_app_is_started_or_said_to_be_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, out, err = run("serve")
    assert (code, out) == (2, "")
    assert "web app is not part of this version" in err


def test_the_library_lists_exports_and_removes(run: Run, lease: str, tmp_path: Path) -> None:
    from longdoc.ingest import add
    from longdoc.store import Library

    assert "empty" in run("library", "list")[1]
    settings = Settings(home=tmp_path / "home")
    with Library(settings) as library:
        add(Path(lease), library, settings)
    (entry,) = parsed(run("library", "list", "--json")[1])["documents"]
    assert (entry["name"], entry["n_characters"]) == ("lease.txt", len(LEASE))
    target = tmp_path / "out.zip"
    assert parsed(run("library", "export", str(target), "--json")[1])["documents"] == 1
    assert zipfile.is_zipfile(target)
    assert parsed(run("library", "remove", entry["id"][:10], "--json")[1])["removed"][0]["name"] == "lease.txt"
    assert parsed(run("library", "list", "--json")[1])["documents"] == []


def test_models_are_listed_with_those_that_cannot_be_used(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models" / "broken"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{")
    monkeypatch.setenv("LONGDOC_MODELS", str(tmp_path / "models"))
    (entry,) = parsed(run("models", "list", "--json")[1])["models"]
    assert entry["name"] == "broken"
    assert entry["problem"]
    assert "cannot be used" in run("models", "list")[1]


def test_a_download_without_a_network_ends_in_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    code, out, err = run("models", "pull", "owner/name")
    assert (code, out) == (2, "")
    assert "could not be downloaded" in err


def test_a_download_says_size_and_licence_and_keeps_only_what_can_be_used(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fake_hub

    code = b'{"architectures": ["Qwen3ForCausalLM"], "auto_map": {"x": "y"}}'
    with fake_hub.running({"owner/name": {"config.json": code, "model.safetensors": b"x" * 2_000_000}}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        code_, _, err = run("models", "pull", "owner/name")
    assert code_ == 2
    assert "owner/name: 2 MB, licence apache-2.0" in err
    assert "cannot be used" in err
    assert not (tmp_path / "home" / "models" / "name").exists()


def test_a_fault_of_our_own_is_logged_without_text_of_documents(
    run: Run, lease: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longdoc.cli import session

    def fault(*args: object, **named: object) -> None:
        raise KeyError("The tenant shall pay")

    monkeypatch.setattr(session, "add_all", fault)
    code, out, err = run("plan", lease)
    assert (code, out) == (1, "")
    assert "KeyError" in err
    log = (tmp_path / "home" / "errors.log").read_text()
    assert "KeyError" in log
    assert "tenant" not in log + err


def test_an_unknown_setting_in_the_environment_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGDOC_TOPK", "3")
    code, _, err = run("library", "list")
    assert code == 2
    assert "LONGDOC_TOP_K" in err


def test_a_damaged_library_is_explained_and_left_alone(run: Run, tmp_path: Path) -> None:
    database = Settings(home=tmp_path / "home").database
    database.parent.mkdir(parents=True)
    database.write_bytes(b"this is not a database" * 300)
    before = database.read_bytes()
    code, out, err = run("library", "list")
    assert (code, out) == (2, "")
    assert err.startswith("longdoc: ")
    assert database.read_bytes() == before


@pytest.mark.model
def test_documents_can_be_asked_beside_a_damaged_library(run: Run, lease: str, tmp_path: Path) -> None:
    database = Settings(home=tmp_path / "home").database
    database.parent.mkdir(parents=True)
    database.write_bytes(b"this is not a database" * 300)
    code, out, err = run("ask", lease, "-q", "What is the notice?", "--mode", "both", "--json")
    assert code == 0
    assert len(parsed(out)["answers"]) == 2
    assert "Nothing is kept this time" in err
