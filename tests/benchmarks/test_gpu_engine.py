"""benchmarks/gpu_engine.py runs from end to end on a processor, in pieces that are not done twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks import gpu_engine

TINY = ["--shape", "tiny", "--device", "cpu", "--tokens", "3000", "--answer", "3"]


def test_every_piece_runs_and_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "found.json"
    gpu_engine.main([*TINY, "--out", str(out), "--pieces", "check,read,decode,offloaded,resident"])
    found = json.loads(out.read_text())["tiny 3000"]
    assert set(found) == set(gpu_engine.PIECES)
    assert found["check"]["attention_error"] < 1e-4
    assert found["check"]["lse_error"] < 1e-4
    assert found["check"]["block_cache_error"] == 0
    assert found["check"]["scores_above_bound"] <= 1e-5
    assert found["decode"]["tokens_per_s"] > 0
    assert "CUDA" in found["offloaded"]["skipped"]
    assert "decode" in capsys.readouterr().out


def test_a_run_that_was_cut_short_goes_on_with_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, done = tmp_path / "found.json", []
    out.write_text(json.dumps({"tiny 3000": {"check": {"attention_error": 7.0}}}))
    for name in gpu_engine.PIECES:
        monkeypatch.setitem(gpu_engine.PIECES, name, lambda bench, name=name: done.append(name) or {"token_s": 1.0})
    gpu_engine.main([*TINY, "--out", str(out), "--pieces", "check,decode"])
    assert done == ["decode"]
    assert json.loads(out.read_text())["tiny 3000"]["check"] == {"attention_error": 7.0}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_without_a_gpu_it_says_how_to_try_it(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--shape tiny --device cpu"):
        gpu_engine.main(["--out", str(tmp_path / "found.json")])
