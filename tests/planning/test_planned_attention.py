"""longdoc/planning/attention.py: dense, sparse or streaming, and why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from longdoc.attention.sparsity import BUDGET_TOKENS
from longdoc.errors import UserError
from longdoc.planning import Measurements, Step, make_plan
from longdoc.planning.attention import PATIENCE_S, SPARSE_FROM_TOKENS, dense_limit
from longdoc.planning.measurements import Cost
from longdoc.settings import Settings
from longdoc.types import ModelInfo, ReadingPlan

INFO = ModelInfo(
    "toy", "transformer", None, "Qwen3ForCausalLM", 2048, 1 << 20, 32768, 64, 6, 6, 2, 10_000_000, 40_000_000, 10000.0,
    {"rope_type": "default"},
)  # fmt: skip
SLOW, FAST = Cost(1e-4, 1e-7), Cost(1e-4, 1e-10)


def plan(
    n_tokens: int, home: Path, attention: str | None = None, info: ModelInfo = INFO, position: str | None = None
) -> ReadingPlan:
    settings = Settings(home=home)
    return make_plan(
        info, n_tokens, settings=settings, attention=attention, position=position,
        measured=Measurements.of(settings, info), available_bytes=1 << 40,
    )  # fmt: skip


def measured(home: Path, cost: Cost, attention: str = "dense", recall: float | None = None) -> None:
    steps = [Step(at, at + 1000, cost.seconds(at, at + 1000)) for at in range(0, 10_000, 1000)]
    Measurements.of(Settings(home=home), INFO, attention).record(steps, 0.01, recall)


@pytest.mark.parametrize("n_tokens", [1, 1000, SPARSE_FROM_TOKENS - 1000])
@pytest.mark.parametrize("cost", [None, SLOW, Cost(10.0, 1.0)])
def test_short_prompts_are_read_densely_however_slow_the_machine(
    n_tokens: int, cost: Cost | None, tmp_path: Path
) -> None:
    if cost is not None:
        measured(tmp_path, cost)
    found = plan(n_tokens, tmp_path)
    assert (found.attention, found.attention_budget) == ("dense", 0)


def test_a_long_prompt_is_read_sparsely_where_dense_attention_takes_long_and_the_plan_says_so(tmp_path: Path) -> None:
    measured(tmp_path, SLOW)
    found = plan(120_000, tmp_path)
    assert (found.attention, found.attention_budget) == ("sparse", BUDGET_TOKENS)
    said = " ".join(found.reasons)
    assert "Dense attention would take about 24 min" in said
    assert "can be missed" in said
    assert found.predicted_s is not None
    assert found.predicted_s < SLOW.seconds(0, 120_000) / 10


def test_a_fast_machine_reads_the_same_prompt_densely(tmp_path: Path) -> None:
    measured(tmp_path, FAST)
    assert plan(120_000, tmp_path).attention == "dense"


def test_what_sparse_reading_really_took_and_held_is_what_is_predicted(tmp_path: Path) -> None:
    measured(tmp_path, SLOW)
    measured(tmp_path, Cost(2e-4, 0.0), "sparse", recall=0.93)
    found = plan(120_000, tmp_path)
    assert found.predicted_s == pytest.approx(2e-4 * 120_000, rel=0.01)
    assert "93%" in " ".join(found.reasons)


def test_the_choice_by_hand_goes_first(tmp_path: Path) -> None:
    measured(tmp_path, SLOW)
    assert plan(120_000, tmp_path, "dense").attention == "dense"
    assert plan(10_000, tmp_path, "sparse").attention == "sparse"
    streamed = plan(10_000, tmp_path, "streaming")
    assert (streamed.attention, streamed.attention_budget) == ("streaming", BUDGET_TOKENS)
    assert "middle" in " ".join(streamed.reasons)


@pytest.mark.parametrize("attention", ["sparse", "streaming"])
def test_a_prompt_that_the_budget_covers_is_dense_and_the_plan_says_why(attention: str, tmp_path: Path) -> None:
    found = plan(1000, tmp_path, attention)
    assert (found.attention, found.attention_budget) == ("dense", 0)
    assert "all is read densely" in " ".join(found.reasons)


def test_streaming_and_a_method_with_places_of_its_own_are_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="position method does so too"):
        plan(10_000, tmp_path, "streaming", position="string")
    assert plan(10_000, tmp_path, "sparse", position="string").attention == "sparse"


def both_ways(folder: Path, dense: float, sparse: float, n: int = 20, length: int = 32768) -> ModelInfo:
    """Return a model whose folder brings scores of dense and sparse attention, for all questions and for a fifth."""
    rows = [
        {"length": length, "position_method": "yarn", "attention": name, "mode": "single", "n": count, "score": score}
        for name, score in (("dense", dense), ("sparse", sparse))
        for count in (n, n // 5)
    ]
    for row in rows:
        row["form"] = "all" if row["n"] == n else "number"
    (folder / "evaluation.json").write_text(json.dumps([{"rows": [{"length": 512, "metric": "nats"}]}, {"rows": rows}]))
    return replace(INFO, folder=str(folder))


def test_a_model_that_answers_as_well_from_sparse_attention_is_read_so_much_sooner(tmp_path: Path) -> None:
    cost = Cost(1e-4, 3e-8)  # 33 s for 32,000 tokens
    measured(tmp_path, cost)
    held = both_ways(tmp_path, 0.7, 0.8)
    found = plan(32_000, tmp_path, info=held)
    assert found.attention == "sparse"
    assert "it scored 80% and dense attention 70%, measured on 20 questions to 32,768 tokens" in " ".join(found.reasons)
    assert plan(32_000, tmp_path).attention == "dense"
    assert plan(16_000, tmp_path, info=held).attention == "dense"
    assert plan(32_000, tmp_path, "dense", info=held).attention == "dense"


def test_where_dense_attention_is_quick_no_score_makes_reading_sparse(tmp_path: Path) -> None:
    measured(tmp_path, FAST)
    assert plan(60_000, tmp_path, info=both_ways(tmp_path, 0.7, 0.8)).attention == "dense"


@pytest.mark.parametrize(
    ("dense", "sparse", "n"), [(0.8, 0.75, 20), (0.8, 0.8, 19), (0.0, 0.0, 20)], ids=["worse", "few", "floor"]
)
def test_scores_that_do_not_show_it_leave_dense_attention_the_rule(
    dense: float, sparse: float, n: int, tmp_path: Path
) -> None:
    assert plan(32_000, tmp_path, info=both_ways(tmp_path, dense, sparse, n)).attention == "dense"
    assert plan(32_000, tmp_path, info=both_ways(tmp_path, 0.8, 0.76, 20)).attention == "sparse"


def test_scores_of_another_method_or_of_short_prompts_prove_nothing(tmp_path: Path) -> None:
    assert plan(32_000, tmp_path, info=both_ways(tmp_path, 0.8, 0.8, length=8192)).attention == "dense"
    info = both_ways(tmp_path, 0.8, 0.8)
    stored = json.loads((tmp_path / "evaluation.json").read_text())
    for row in stored[1]["rows"]:
        row["position_method"] = "none" if row["attention"] == "dense" else "yarn"
    (tmp_path / "evaluation.json").write_text(json.dumps(stored))
    assert plan(32_000, tmp_path, info=info).attention == "dense"


@pytest.mark.parametrize("attention", ["sparse", "streaming"])
def test_models_that_place_keys_by_biases_are_read_densely_and_refuse_the_others(
    attention: str, tmp_path: Path
) -> None:
    measured(tmp_path, SLOW)
    biased = replace(INFO, native_context=1 << 20, rope_parameters={})
    assert plan(200_000, tmp_path, info=biased).attention == "dense"
    with pytest.raises(UserError, match="biases"):
        plan(200_000, tmp_path, attention, info=biased)


def test_a_new_measurement_seldom_moves_the_limit() -> None:
    limits = {dense_limit(Cost(1e-4, 8e-8 * (1 + 0.01 * noise))) for noise in range(-10, 11)}
    assert len(limits) == 1
    (limit,) = limits
    typical = Cost(1e-4, 8e-8)
    assert typical.seconds(0, limit) <= PATIENCE_S < typical.seconds(0, 2 * limit)


def test_models_with_recurrent_layers_keep_the_attention_they_have(tmp_path: Path) -> None:
    hybrid = replace(INFO, kind="state_space", native_context=1 << 20)
    assert plan(200_000, tmp_path, info=hybrid).attention == "dense"


def test_measurements_without_a_recall_are_read_as_before(tmp_path: Path) -> None:
    measured(tmp_path, SLOW)
    settings = Settings(home=tmp_path)
    (file,) = settings.measurements.iterdir()
    stored = json.loads(file.read_text())
    del stored["recall"]
    file.write_text(json.dumps(stored))
    again = Measurements.of(settings, INFO)
    assert again.attention_recall is None
    assert again.cost is not None
