"""This ensures that a recording is asked like any document and cited with its times. A scripted engine hears it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from bench import Bench

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from sounds import tone, wav

from longdoc.answer import ask
from longdoc.speech import ENGINES, EngineRow

QUESTION = "Which second came fourth?"


@pytest.mark.parametrize("mode", ["single", "chunked"])
def test_an_answer_from_a_recording_cites_its_time(mode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1] / "speech"))
    row = EngineRow("sphinx", "Scripted", "scripted_speech:scripted_engine")
    monkeypatch.setitem(ENGINES, "sphinx", row)
    bench = Bench(tmp_path / "home")
    bench.model.script = {QUESTION: "[1]<|quote|> second x 3<|then|> second 3<|end|>"}
    path = tmp_path / "call.wav"
    path.write_bytes(wav(tone(6)))
    item = bench.add(path)
    answer = ask(bench.desk, [item], QUESTION, mode, bench.how)
    first = answer.citations[0]
    bench.close()
    assert (first.status, first.source) == ("verified", "call.wav")
    assert first.start_s is not None
    assert first.end_s is not None
    assert first.start_s <= 3.0 < first.end_s <= 6.0
