"""Every task runs from the command line on a tiny model, prints its contract, and asks nothing twice."""

import argparse
import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rule_model import book
from standin import byte_tokenizer, reader_frame
from toys import info_of, toy

from longdoc.backends import Decoded
from longdoc.backends.transformer import TransformerBackend
from longdoc.errors import UserError
from longdoc.evaluation import cli
from longdoc.evaluation.asking import LocalModel, Way
from longdoc.evaluation.opening import in_memory
from longdoc.evaluation.results import read_summary
from longdoc.planning import make_plan
from longdoc.settings import Settings

CONTRACT = ["length", "position_method", "attention", "depth", "mode", "metric", "n", "score", "low", "high"]


class Terse(TransformerBackend):
    """Stops after a few tokens; a random model would never end its answers."""

    def decode(self, *args: Any, **kwargs: Any) -> Iterator[Decoded]:
        return super().decode(*args, **{**kwargs, "max_new_tokens": 6})


@pytest.fixture(scope="module")
def backend() -> TransformerBackend:
    model = toy("Qwen3ForCausalLM", vocab_size=byte_tokenizer().vocab_size, num_hidden_layers=1)
    return Terse(model, info_of(model, 1 << 14), byte_tokenizer(), reader_frame(), ["weights"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", answer_reserve_tokens=16)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "pretrain").mkdir()
    rows = [{"path": f"{at}.txt", "text": book(60, seed=at).text} for at in range(9)]
    for category in ("books", "legal"):
        with lzma.open(folder / "pretrain" / f"{category}-000.jsonl.xz", "wt") as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "qa").mkdir()
    documents = [{"document_id": str(at), "text": f"Port {at} was built by Mason{at}.\n"} for at in range(4)]
    questions = [
        {"document_id": str(at), "question": f"Who built Port {at}?", "answers": [f"Mason{at}"], "answer_start": 20}
        for at in range(4)
    ]
    for name, lines in (("ports.documents", documents), ("ports.dev", questions)):
        (folder / "qa" / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add_parser(parser.add_subparsers(dest="command"))
    return parser.parse_args(["evaluate", *words])


def local(backend: TransformerBackend, settings: Settings) -> LocalModel:
    def plan(way: Way, n_tokens: int):  # type: ignore[no-untyped-def]
        prompt = max(1, n_tokens - settings.answer_reserve_tokens)
        chosen = {"position": way.position, "attention": way.attention, "kv_dtype": way.kv_dtype}
        return make_plan(backend.info, prompt, settings=settings, **chosen)

    return LocalModel("toy", backend, plan, in_memory(settings))


COMMANDS = {
    "needle": ["--lengths", "512", "--limit", "2", "--distractors", "0"],
    "ruler": ["--lengths", "512", "--limit", "1", "--forms", "niah_single_2,vt"],
    "babilong": ["--lengths", "512", "--limit", "1", "--forms", "qa1,qa4"],
    "infinite": ["--lengths", "512", "--limit", "1", "--forms", "passkey,kv"],
    "altered": ["--lengths", "512", "--limit", "1"],
    "qa": ["--limit", "2", "--max-new-tokens", "16", "--mode", "single,chunked,none"],
    "perplexity": ["--lengths", "256", "--limit", "2"],
}


@pytest.mark.parametrize("task", cli.TASKS)
def test_every_task_prints_its_contract_and_asks_nothing_twice(
    task: str,
    backend: TransformerBackend,
    data: Path,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    words = [task, "--data", str(data), *COMMANDS[task], "--json"]
    model = local(backend, settings)
    assert cli.run_with(model, parsed(*words, "--plot", str(tmp_path / "plot.svg")), settings) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["task"], first["model"]) == (task, "toy")
    assert first["rows"]
    for row in first["rows"]:
        assert [name for name in CONTRACT if name in row] == CONTRACT
        assert row["n"] >= 1
        assert row["low"] <= row["score"] <= row["high"]
        assert task == "perplexity" or (row["low"] >= 0 and row["high"] <= 1)
    assert (tmp_path / "plot.svg").read_text().startswith("<?xml")
    assert [one["rows"] for one in read_summary(settings.home / "evaluation" / "toy")] == [first["rows"]]

    kept = (settings.home / "evaluation" / "toy" / f"{task}.jsonl").read_bytes()
    cli.run_with(model, parsed(*words), settings)
    assert json.loads(capsys.readouterr().out) == first
    assert (settings.home / "evaluation" / "toy" / f"{task}.jsonl").read_bytes() == kept


def test_ways_are_told_apart_and_set_beside_the_first(
    backend: TransformerBackend, data: Path, settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["needle", "--data", str(data), "--lengths", "512,40x", "--limit", "1", "--distractors", "0"]
    words += ["--attention", "dense,sparse", "--kv-dtype", "bf16,int8", "--multi-key"]
    model = local(backend, settings)
    cli.run_with(model, parsed(*words, "--json", "--plot", str(tmp_path / "plot.png")), settings)
    found = json.loads(capsys.readouterr().out)
    ways = {(row["length"], row["attention"], row["kv_dtype"]) for row in found["rows"]}
    dense = {(length, "dense", form) for length in (512, 2560) for form in ("bf16", "int8")}
    assert ways == dense | {(2560, "sparse", form) for form in ("bf16", "int8")}
    assert {row["form"] for row in found["rows"] if row["metric"] == "match"} == {"niah_multikey_1"}
    assert found["left_out"] == ["512 tokens: sparse attention reads them as dense does; measured once."]
    # Keys and values of one token: two heads of 8, and a tail of 256 tokens that is always in bf16.
    kept = {(row["length"], row["kv_dtype"]): row["kv_bytes"] for row in found["costs"]}
    assert kept[2560, "bf16"] > 1.4 * kept[2560, "int8"] > 2 * kept[512, "int8"]
    assert all(row["read_s"] > 0 and row["answer_s"] > 0 and row["n"] >= row["n_readings"] for row in found["costs"])
    assert all(row["of"] == "dense, bf16" and row["low"] <= row["score"] <= row["high"] for row in found["shares"])

    cli.run_with(model, parsed(*words), settings)
    text = capsys.readouterr().out
    for title in (
        "needle: exact in percent",
        "multi-key (RULER): match",
        "seconds to read a text",
        "keys and values, MB",
    ):
        assert title in text
    assert "2,560 (40x)" in text
    assert "costs:" not in text


def test_the_table_goes_to_stdout_and_progress_to_stderr(
    backend: TransformerBackend, data: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.run_with(local(backend, settings), parsed("needle", "--data", str(data), *COMMANDS["needle"]), settings)
    out, err = capsys.readouterr()
    assert "95 % interval" in out
    assert "needle" in err
    assert "exact by depth and length" in out


def test_fresh_asks_everything_again(
    backend: TransformerBackend, data: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings.home / "evaluation" / "toy" / "needle.jsonl"
    words = ["needle", "--data", str(data), *COMMANDS["needle"]]
    cli.run_with(local(backend, settings), parsed(*words), settings)
    path.write_bytes(path.read_bytes().replace(b'"exact": 0.0', b'"exact": 1.0'))
    capsys.readouterr()
    cli.run_with(local(backend, settings), parsed(*words), settings)
    assert "100.0" in capsys.readouterr().out
    cli.run_with(local(backend, settings), parsed(*words, "--fresh"), settings)
    assert "100.0" not in capsys.readouterr().out.replace("- 100.0", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["qa"], "no questions"),
        (["needle", "--mode", "both"], "no mode"),
        (["needle", "--attention", "dense,spare"], "no attention called 'spare'"),
        (["needle", "--kv-dtype", "int3"], "cannot be kept as 'int3'"),
        (["perplexity", "--position", "yarm"], "no position method called 'yarm'"),
        (["needle", "--lengths", "0.01x"], "at least 256 tokens"),
        (["needle", "--forms", "word"], "no needle form"),
        (["needle", "--plot", "plot.txt"], "not a name for a plot"),
        (["needle", "--data", "/nowhere/at/all"], "no text"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    words: list[str], message: str, backend: TransformerBackend, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "open_model", lambda name, settings: _opened(local(backend, settings)))
    args = parsed(*words)
    args.settings = settings
    with pytest.raises(UserError, match=message):
        cli.run(args)


class _opened:
    def __init__(self, model: LocalModel) -> None:
        self._model = model

    def __enter__(self) -> LocalModel:
        return self._model

    def __exit__(self, *exception: object) -> None: ...


@pytest.mark.parametrize(
    "words", [["needle", "--lengths", "12"], ["needle", "--limit", "0"], ["perplexity", "--mode", "none"]]
)
def test_options_that_make_no_sense_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(*words)


def test_quotes_from_anywhere_are_asked_apart_and_not_kept_for_plans(
    backend: TransformerBackend, data: Path, settings: Settings
) -> None:
    model = local(backend, settings)
    words = ["needle", "--data", str(data), *COMMANDS["needle"], "--json"]
    cli.run_with(model, parsed(*words, "--style", "anywhere"), settings)
    folder = settings.home / "evaluation" / "toy"
    assert read_summary(folder) == []
    asked = len((folder / "needle.jsonl").read_bytes().splitlines())
    cli.run_with(model, parsed(*words), settings)
    assert len((folder / "needle.jsonl").read_bytes().splitlines()) == 2 * asked
    assert read_summary(folder)
