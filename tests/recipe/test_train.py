"""Tests of the training loop: resuming, position jumps, export."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from longdoc.files import sha256_file
from models.recipe import export, plot, tiny
from models.recipe.feed import Feed
from models.recipe.mixture import Mixture, Stage
from models.recipe.model import configuration, new_model
from models.recipe.train import RunConfig, Trainer, jumping_positions
from tests.recipe.conftest import Workshop

SHAPE = {
    "vocab_size": 1024,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "intermediate_size": 64,
}


def config_file(folder: Path, tokens: int) -> Path:
    stage = {"length": 128, "batch_tokens": 512, "shares": {"made": 1.0}}
    stages = [
        {"name": "A", "tokens": tokens, **stage},
        {"name": "D", "tokens": 512, "yarn_factor": 4, "max_position": 2048, **stage},
    ]
    path = folder / "config.json"
    rates = {"muon_lr": 0.003, "embedding_lr": 0.003, "norm_lr": 0.003, "warmup_steps": 2}
    path.write_text(json.dumps({"shape": SHAPE, "stages": stages, **rates}))
    return path


def train(workshop: Workshop, config: Path, out: Path, time_limit_s: float = 1e9) -> Trainer:
    trainer = Trainer(RunConfig.read(config), out, "cpu", compiled=False)
    trainer.run(workshop.mixture, time_limit_s)
    return trainer


def test_a_run_trains_logs_keeps_stage_ends_and_lowers_the_loss(workshop: Workshop, tmp_path: Path) -> None:
    trainer = train(workshop, config_file(tmp_path, 20_480), tmp_path / "run")
    assert trainer.total_tokens == 20_480 + 512
    assert (tmp_path / "run" / "weights-A.pt").exists()
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in rows] == ["A", "D"]
    assert rows[-1]["text"][0] < 6.8  # chance is ln 1024 = 6.93
    plot.plot(tmp_path / "run" / "log.jsonl", tmp_path / "log.png")
    assert (tmp_path / "log.png").stat().st_size > 5_000


def test_an_interrupted_run_goes_on_where_it_stopped(workshop: Workshop, tmp_path: Path) -> None:
    config = config_file(tmp_path, 2048)
    stopped = train(workshop, config, tmp_path / "run", time_limit_s=-1.0)
    assert stopped.total_tokens == 0
    stopped.stage_tokens = stopped.total_tokens = 1024
    stopped.save()
    resumed = Trainer(RunConfig.read(config), tmp_path / "run", "cpu", compiled=False)
    assert resumed.stage_tokens == 1024
    same = zip(stopped.model.parameters(), resumed.model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    resumed.run(workshop.mixture, 1e9)
    assert resumed.total_tokens == 2048 + 512


def test_a_new_run_can_begin_with_an_exported_model(workshop: Workshop, tmp_path: Path) -> None:
    config = config_file(tmp_path, 512)
    first = Trainer(RunConfig.read(config), tmp_path / "first", "cpu", compiled=False)
    with torch.no_grad():
        first.model.model.embed_tokens.weight.fill_(0.25)
    first.model.to(torch.bfloat16).save_pretrained(tmp_path / "model")
    second = Trainer(RunConfig.read(config), tmp_path / "second", "cpu", compiled=False)
    second.start_from(tmp_path / "model")
    assert torch.equal(second.model.model.embed_tokens.weight, torch.full((1024, 32), 0.25))
    assert second.model.lm_head.weight is second.model.model.embed_tokens.weight


@pytest.mark.parametrize("processes", [0, 2])
def test_batches_are_drawn_ahead_and_never_twice(workshop: Workshop, processes: int) -> None:
    stage = Stage("x", 0, 128, 256, {"made": 1.0})
    feed = Feed(partial(Mixture, workshop.data, workshop.tokens, workshop.tokenizer_folder), stage, 5, processes)
    try:
        drawn = [feed.next().ids.tobytes() for _ in range(6)]
    finally:
        feed.stop()
    assert len(set(drawn)) == 6


def test_position_jumps_rise_and_stay_in_range() -> None:
    positions = jumping_positions(torch.zeros(16, 64, dtype=torch.long), 4096)
    assert (positions[:, 1:] > positions[:, :-1]).all()
    assert (positions[:, 0] == 0).all()
    assert positions.max() < 4096
    assert positions[:, -1].max() > 200


@pytest.mark.parametrize("factor", [1.0, 16.0])
def test_an_exported_folder_loads_with_plain_transformers(workshop: Workshop, tmp_path: Path, factor: float) -> None:
    model = new_model(configuration(SHAPE))
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    out = tmp_path / "model"
    out.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (out / name).write_bytes((workshop.tokenizer_folder / name).read_bytes())
    export.export(tmp_path / "weights.pt", config_file(tmp_path, 512), out, factor, 8192, 2048, "Apache-2.0")
    loaded = AutoModelForCausalLM.from_pretrained(out)
    assert loaded.config.rope_parameters["rope_type"] == ("yarn" if factor > 1 else "default")
    assert AutoTokenizer.from_pretrained(out).decode([0]) == "<|bos|>"
    card = json.loads((out / "longdoc.json").read_text())
    assert card["sha256"]["model.safetensors"] == sha256_file(out / "model.safetensors")
    ids = torch.tensor([[0, 40, 41, 42]])
    assert torch.allclose(loaded(ids).logits.float(), model.bfloat16()(ids).logits.float(), atol=0.1) or factor > 1


def test_the_tiny_run_names_existing_modules_and_its_last_stage(tmp_path: Path) -> None:
    commands = tiny.steps(tmp_path, tiny.CONFIG)
    assert [c[2].removeprefix("models.recipe.") for c in commands] == [
        "tiny_data",
        "tokenizer",
        "shards",
        "train",
        "export",
    ]
    last = RunConfig.read(tiny.CONFIG).stages[-1].name
    assert str(tmp_path / "run" / f"weights-{last}.pt") in commands[-1]
