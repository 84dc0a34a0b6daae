from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import compare_engines
from benchmarks.compare_results import Results, best, extrapolated, growth, lines, ratios

Child = Callable[[list[str], float], dict[str, Any]]


def measured(read_s: float, **others: Any) -> dict[str, Any]:
    figures = {"read_s": read_s, "first_word_s": read_s + 1, "follow_up_s": 0.5, "token_s": 0.01, "peak_bytes": 10**8}
    return {"status": "measured", "save_s": None, "steps": 4, **figures, **others}


def done(figures: dict[str, Any]) -> dict[str, Any]:
    event = {"event": "done", **{k: v for k, v in figures.items() if k not in ("status", "steps")}}
    return {"events": [event], "timed_out": False, "error": ""}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[list[str]], dict[str, Any]]]:
    """Return a function that runs the command with children played by `play`, and returns them and the JSON."""

    def command(play: Child, *arguments: str) -> tuple[list[list[str]], dict[str, Any]]:
        calls: list[list[str]] = []

        def child(line: list[str], limit_s: float) -> dict[str, Any]:
            calls.append(line[3:])
            return play(line[3:], limit_s)

        monkeypatch.setattr(compare_engines, "child", child)
        files = ["--results", str(tmp_path / "results.json"), "--plot", str(tmp_path / "plot.png")]
        assert compare_engines.main([*arguments, *files, "--repeats", "1"]) == 0
        assert (tmp_path / "plot.png").stat().st_size > 1000
        return calls, json.loads((tmp_path / "results.json").read_text())

    return command


def test_a_second_run_measures_only_what_is_missing(run: Callable[..., Any]) -> None:
    def play(line: list[str], limit_s: float) -> dict[str, Any]:
        return done(measured(2.0))

    first, _ = run(play, "--engines", "stock,dense", "--lengths", "1024")
    assert [(line[0], line[1]) for line in first] == [("stock", "float32"), ("stock", "bfloat16"), ("dense", "dense")]
    second, stored = run(play, "--engines", "stock,dense", "--lengths", "1024,2048")
    assert {line[line.index("--length") + 1] for line in second} == {"2048"}
    assert len(stored["points"]) == 6


def test_a_refusal_is_shown_with_its_reason_and_tried_again(
    run: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(line: list[str], limit_s: float) -> dict[str, Any]:
        return {"events": [{"event": "refused", "reason": "Choose dense."}], "timed_out": False, "error": ""}

    run(refuse, "--engines", "sparse", "--lengths", "1024")
    assert "refused: Choose dense." in capsys.readouterr().out
    again, stored = run(lambda line, limit_s: done(measured(1.0)), "--engines", "sparse", "--lengths", "1024")
    assert len(again) == 1
    assert [point["status"] for point in stored["points"].values()] == ["measured"]


def test_what_is_kept_on_disk_is_asked_again_by_a_new_process(run: Callable[..., Any]) -> None:
    def play(line: list[str], limit_s: float) -> dict[str, Any]:
        if line[line.index("--part") + 1] == "first":
            return done(measured(3.0, save_s=0.0))
        return done({"restart_s": 0.25})

    calls, stored = run(play, "--engines", "dense", "--lengths", "1024")
    assert len(calls) == 2
    assert calls[0][calls[0].index("--home") + 1] == calls[1][calls[1].index("--home") + 1]
    (point,) = stored["points"].values()
    assert (point["read_s"], point["restart_s"]) == (3.0, 0.25)


def test_a_point_over_the_limit_is_extrapolated_and_in_no_ratio(
    run: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    def play(line: list[str], limit_s: float) -> dict[str, Any]:
        if line[0] == "dense":
            return done(measured(2.0))
        steps = [{"event": "step", "done": n, "seconds": 1e-3 * n + 1e-6 * n * n} for n in range(100, 600, 100)]
        return {"events": steps, "timed_out": True, "error": ""}

    _, stored = run(play, "--engines", "stock,dense", "--lengths", "4000")
    point = stored["points"]["stock | float32 | 4000"]
    assert point["status"] == "extrapolated"
    assert point["read_s"] == pytest.approx(4 + 16, rel=1e-6)
    assert stored["ratios"] == [{"length": 4000, "ratios": {}}]
    assert "~20 (extrap.)" in capsys.readouterr().out


def test_a_crash_is_a_failure_with_its_last_words(run: Callable[..., Any]) -> None:
    def play(line: list[str], limit_s: float) -> dict[str, Any]:
        return {"events": [{"event": "step", "done": 5, "seconds": 1.0}], "timed_out": False, "error": "KeyError: 1"}

    _, stored = run(play, "--engines", "dense", "--lengths", "1024")
    (point,) = stored["points"].values()
    assert (point["status"], point["reason"]) == ("failed", "KeyError: 1")


def test_figures_of_another_machine_are_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results = Results(path, {"processor": "one", "cores": 2}, {})
    results.put({"engine": "dense", "variant": "dense", "length": 8, **measured(1.0)})
    with pytest.raises(ValueError, match="another processor"):
        Results(path, {"processor": "two", "cores": 2}, {})


def test_the_best_of_every_figure_counts_and_far_variants_leave_the_race(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.json", {"cores": 2}, {})
    reads = {"fast": (1.0, 0.03), "words": (2.0, 0.01), "slow": (2.0, 0.03)}
    for variant, (read_s, token_s) in reads.items():
        figures = measured(read_s, token_s=token_s, follow_up_s=1.0 if variant == "slow" else 0.5)
        results.put({"engine": "stock", "variant": variant, "length": 1024, **figures})
    found = best(results.at("stock", 1024))
    assert found is not None
    assert (found["read_s"], found["token_s"], found["variant"]) == (1.0, 0.01, "fast")
    assert results.in_the_race("stock", list(reads), 2048) == ["fast", "words"]
    assert results.in_the_race("stock", list(reads), 1024) == list(reads)


def test_a_side_that_keeps_nothing_reads_again_after_a_restart() -> None:
    stock = {**measured(9.0), "engine": "stock", "restart_s": None}
    ours = {**measured(3.0), "engine": "dense", "restart_s": 0.1}
    table = ratios({"stock": stock, "dense": ours})["stock / dense"]
    assert table["read_s"] == pytest.approx(3)
    assert table["restart_s"] == pytest.approx(100)


def test_too_few_steps_are_not_extrapolated() -> None:
    assert extrapolated([(10, 1.0), (20, 2.0)], 1000) is None


def test_the_table_names_every_engine_that_was_asked(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.json", {"cores": 2}, {})
    for engine in ("stock", "dense"):
        results.put({"engine": engine, "variant": "any", "length": 1024, **measured(1.0)})
    text = "\n".join(lines(results))
    assert "reads again" in text
    assert "stock / dense" in text


def test_growth_is_told_of_measured_reads_only(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.json", {"cores": 2}, {})
    for length, read_s, status in ((1024, 1.0, "measured"), (4096, 4.2, "measured"), (8192, 9.9, "extrapolated")):
        results.put({"engine": "dense", "variant": "any", "length": length, **measured(read_s), "status": status})
    assert growth(results) == {"dense": [(1024, 4096, pytest.approx(4.2))]}
    assert "1,024 -> 4,096 tokens 4.2x" in "\n".join(lines(results))
