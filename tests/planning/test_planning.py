"""longdoc/planning/plan.py: what is decided before a read, and that it says why."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from longdoc.errors import UserError
from longdoc.evaluation.results import model_folder
from longdoc.planning import KV_DTYPE, Measurements, Step, declared_context, make_plan
from longdoc.planning.memory import kv_bytes
from longdoc.positions import METHODS, make
from longdoc.settings import Settings
from longdoc.types import ModelInfo

SETTINGS = Settings()
RESERVE = SETTINGS.answer_reserve_tokens
ROOM = 1 << 40


def model(**fields) -> ModelInfo:
    known = dict(
        name="toy", kind="transformer", folder=None, architecture="Qwen3ForCausalLM", native_context=2048,
        window=131072, tested_context=32768, head_dim=64, num_layers=6, num_heads=5, num_kv_heads=5,
        n_parameters=10_000_000, weight_bytes=40_000_000, rope_theta=10000.0, rope_parameters={"rope_type": "default"},
    )  # fmt: skip
    return ModelInfo(**(known | fields))


def plan(info: ModelInfo, n_tokens: int, **overrides):
    return make_plan(info, n_tokens, settings=SETTINGS, available_bytes=ROOM, **overrides)


YARN = model(rope_parameters={"rope_type": "yarn", "factor": 16.0, "original_max_position_embeddings": 2048})


@pytest.mark.parametrize(
    ("n_tokens", "method", "factor"),
    [
        (100, "none", 1),
        (2048 - RESERVE, "none", 1),
        (2049 - RESERVE, "yarn", 2),
        (4096 - RESERVE, "yarn", 2),
        (4097 - RESERVE, "yarn", 4),
        (30_000, "yarn", 16),
        (100_000, "yarn", 64),
    ],
)
def test_positions_stay_as_they_are_while_prompt_and_answer_fit_and_then_climb_the_ladder(n_tokens, method, factor):
    found = plan(model(), n_tokens)
    assert (found.position_method, found.factor) == (method, factor)


@profile(deadline=None)
@given(st.integers(1, 120_000), st.integers(1, 2000))
def test_adding_a_little_text_rarely_changes_the_factor(n_tokens, added):
    before, after = plan(model(), n_tokens), plan(model(), n_tokens + added)
    assert after.factor in (before.factor, 2 * before.factor)


@profile(deadline=None)
@given(st.integers(1, 130_000))
def test_the_chosen_method_reaches_the_whole_request(n_tokens):
    for info in (model(), YARN):
        found = plan(info, n_tokens)
        if found.zone != "over" and found.position_method != "none":
            assert make(found.position_method, info, found.factor).reach >= n_tokens + RESERVE


@pytest.mark.parametrize("n_tokens", [100, 10_000, 32768 - RESERVE])
def test_a_checkpoint_that_declares_yarn_is_read_as_it_declares(n_tokens):
    found = plan(YARN, n_tokens)
    assert (found.position_method, found.factor) == ("none", 1)
    assert declared_context(YARN) == 32768


def test_beyond_its_declared_length_yarn_goes_on_from_the_original_length():
    found = plan(YARN, 40_000)
    assert (found.position_method, found.factor) == ("yarn", 32)


def test_a_model_with_a_position_margin_is_stretched_so_much_farther_and_short_prompts_stay_untouched():
    extended = replace(YARN, rope_parameters=YARN.rope_parameters | {"factor": 32.0}, position_margin=2.0)
    assert declared_context(extended) == 32768
    assert plan(extended, 32768 - RESERVE).position_method == "none"
    assert plan(extended, 60000).factor == 64
    native = model(position_margin=2.0)
    assert plan(native, 2048 - RESERVE).position_method == "none"
    longer = plan(native, 4096 - RESERVE)
    assert (longer.position_method, longer.factor) == ("yarn", 4)
    assert "Up to 4,096 tokens the factor stays" in " ".join(longer.reasons)


def test_frequencies_that_no_method_may_replace_are_kept():
    llama = model(
        native_context=8192,
        window=8192,
        rope_parameters={"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 1024},
    )
    assert plan(llama, 5000).position_method == "none"
    assert plan(llama, 8192).position_method == "string"


@pytest.mark.parametrize(
    ("n_tokens", "zone"),
    [
        (1000, "native"),
        (20_000, "extended_tested"),
        (40_000, "extended_untested"),
        (131072 - RESERVE, "extended_untested"),
        (131073 - RESERVE, "over"),
    ],
)
def test_the_zone_tells_how_far_a_length_was_tried(n_tokens, zone):
    assert plan(model(), n_tokens).zone == zone
    assert plan(YARN, n_tokens).zone == zone


def test_a_prompt_over_the_window_is_planned_and_the_plan_says_by_how_much():
    found = plan(model(), 5000, window=4000)
    assert (found.zone, found.window) == ("over", 4000)
    assert f"{1000 + RESERVE:,} tokens over" in " ".join(found.reasons)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_can_be_chosen_by_hand_at_any_length(name):
    for n_tokens in (500, 10_000):
        found = plan(model(), n_tokens, position=name)
        assert found.position_method == name
        assert "by hand" in found.reasons[0]


def test_keys_and_values_are_predicted_to_the_byte():
    bytes_each = {"bf16": 2, "float32": 4}[KV_DTYPE]
    assert kv_bytes(model(), 1000, KV_DTYPE) == 2 * 6 * 5 * 64 * bytes_each * 1000
    more, less = plan(model(), 11_000), plan(model(), 10_000)
    assert more.predicted_bytes - less.predicted_bytes == kv_bytes(model(), 1000, KV_DTYPE)
    assert less.predicted_bytes > model().weight_bytes + kv_bytes(model(), 10_000, KV_DTYPE)


def test_a_reading_that_does_not_fit_in_memory_is_planned_with_the_refusal_in_words():
    found = make_plan(model(), 100_000, settings=SETTINGS, tier="ram", available_bytes=500_000_000)
    said = " ".join(found.reasons)
    assert "needs about" in said
    assert "Leave out a source" in said
    assert "needs about" not in " ".join(plan(model(), 100_000).reasons)


def test_time_is_predicted_only_from_measurements(tmp_path):
    settings = Settings(home=tmp_path)
    assert plan(model(), 10_000).predicted_s is None
    measured = Measurements.of(settings, model())
    measured.record([Step(at, at + 1000, 1 + 0.001 * (2 * at + 1000)) for at in range(0, 5000, 1000)])
    found = make_plan(
        model(), 10_000, settings=settings, measured=Measurements.of(settings, model()), available_bytes=ROOM
    )
    assert found.predicted_s == pytest.approx(10 + 0.000001 * 10_000**2)


@pytest.mark.parametrize(
    ("override", "hint"),
    [
        ({"position": "yarm"}, "Did you mean yarn"),
        ({"attention": "dence"}, "Did you mean dense"),
        ({"tier": "tape"}, "Use device or ram"),
    ],
)
def test_an_unknown_choice_names_the_nearest(override, hint):
    with pytest.raises(UserError) as error:
        plan(model(), 100, **override)
    assert hint in str(error.value)


def rows(*scores):
    return [
        {"length": length, "position_method": method, "attention": "dense", "mode": "single", "n": 10, "score": score}
        for length, method, score in scores
    ]


def with_results(folder, content) -> ModelInfo:
    (folder / "evaluation.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return model(folder=str(folder))


def test_beyond_native_the_method_that_measured_best_is_the_default(tmp_path):
    measured = [(8192, "yarn", 0.5), (8192, "string+yarn", 0.7), (8192, "none", 1.0), (32768, "yarn", 0.6)]
    info = with_results(tmp_path, {"rows": rows(*measured)})
    assert plan(info, 7000).position_method == "string+yarn"
    assert "8,192" in " ".join(plan(info, 7000).reasons)
    assert plan(info, 1000).position_method == "none"
    tie = with_results(tmp_path, [{"rows": rows((8192, "string+yarn", 0.7))}, {"rows": rows((8192, "yarn", 0.7))}])
    assert plan(tie, 7000).position_method == "yarn"


@pytest.mark.parametrize("name", ["reader", "organisation/model"])
def test_what_was_measured_on_this_machine_comes_before_what_the_folder_brings(tmp_path, name):
    info = with_results(tmp_path, {"rows": rows((8192, "yarn", 0.9), (8192, "string+yarn", 0.1))})
    info = replace(info, name=name)
    kept = model_folder(Settings(home=tmp_path), name)
    kept.mkdir(parents=True)
    (kept / "results.json").write_text(json.dumps([{"rows": rows((8192, "yarn", 0.2), (8192, "string+yarn", 0.4))}]))
    settings = Settings(home=tmp_path)
    assert make_plan(info, 7000, settings=settings, available_bytes=10**12).position_method == "string+yarn"


def test_a_method_that_does_not_reach_the_prompt_is_no_default_however_well_it_scored(tmp_path):
    info = with_results(tmp_path, {"rows": rows((2500, "string", 0.9), (2500, "yarn", 0.5))})
    assert plan(info, 2100).position_method == "string"
    assert plan(info, 20_000).position_method == "yarn"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"rows": [{"length": "x"}]}', '{"rows": 3}', "[1]"])
def test_damaged_results_count_as_none(tmp_path, content):
    assert plan(with_results(tmp_path, content), 7000).position_method == "yarn"


def test_a_server_is_planned_by_its_window_and_the_plan_says_that_documents_leave():
    server = model(kind="remote", name="http://host/v1", window=8000, native_context=8000, tested_context=0)
    assert plan(server, 5000).zone == "native"
    assert plan(server, 8000).zone == "over"
    assert "leave this computer" in plan(server, 5000).reasons[0]
