"""Every registered method is walked by the generic tests; a new one gets a row in `position_cases.CASES`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from position_cases import CASES
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from longdoc.errors import UserError
from longdoc.positions import DUAL_CHUNK, LADDER, METHODS, canonical, check_window, factor_for, make, rope_of
from longdoc.positions.dca import DualChunk
from longdoc.positions.method import Branch, ChunkSizes, Method
from longdoc.types import ModelInfo


def info(native: int = 2048, theta: float = 10000.0, head_dim: int = 64, window: int = 0, **rope: object) -> ModelInfo:
    return ModelInfo(
        name="toy",
        kind="transformer",
        folder=None,
        architecture="LlamaForCausalLM",
        native_context=native,
        window=window or native * 16,
        tested_context=0,
        head_dim=head_dim,
        num_layers=2,
        num_heads=4,
        num_kv_heads=2,
        n_parameters=1,
        weight_bytes=1,
        rope_theta=theta,
        rope_parameters={"rope_type": "default", "rope_theta": theta, **rope},
    )


def theirs(config: LlamaConfig, kind: str, seq_len: int | None = None) -> tuple[torch.Tensor, float]:
    return ROPE_INIT_FUNCTIONS[kind](config, None, seq_len=seq_len)


def llama(native: int, theta: float, head_dim: int, **rope: object) -> LlamaConfig:
    return LlamaConfig(
        hidden_size=head_dim * 4,
        num_attention_heads=4,
        head_dim=head_dim,
        max_position_embeddings=native,
        rope_parameters={"rope_theta": theta, **rope},
    )


# Base, native length and head size of ten public checkpoints.
PUBLIC = {
    "Llama-2-7B": (4096, 1e4, 128),
    "Llama-3-8B": (8192, 5e5, 128),
    "Mistral-7B": (32768, 1e6, 128),
    "Qwen2.5-7B": (32768, 1e6, 128),
    "Qwen3-8B": (40960, 1e6, 128),
    "Phi-3-mini": (4096, 1e4, 96),
    "Gemma-7B": (8192, 1e4, 256),
    "SmolLM2-360M": (8192, 1e5, 64),
    "TinyLlama-1.1B": (2048, 1e4, 64),
    "OLMo-2-7B": (4096, 5e5, 128),
}


def test_every_registered_method_has_a_row() -> None:
    assert set(CASES) == set(METHODS)


def distances(method: Method, branch: Branch, query: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """How far apart each query and each key of a branch stand when they meet, [queries, keys]."""
    met, kept = branch.key_positions(keys), method.stored_positions(keys)
    at = met if met is not None else kept if kept is not None else keys
    return branch.query_positions(query)[:, None] - at[None]


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=40, deadline=None)
@given(native=st.integers(2, 300), first=st.integers(0, 1200))
def test_branches_show_every_visible_key_once_at_the_twin_s_distance(name: str, native: int, first: int) -> None:
    case = CASES[name]
    method = make(name, info(native), case.factor)
    query = np.arange(first, first + 40, dtype=np.int64)
    keys = np.arange(first + 40, dtype=np.int64)
    expected, visible = (rule(query[:, None], keys[None], native) for rule in (case.met, case.sees))
    seen = np.zeros((40, len(keys)), dtype=int)
    for branch in method.branches(first + 40):
        low, high = branch.keys(query)
        shown = (keys >= low[:, None]) & (keys < high[:, None])
        assert (distances(method, branch, query, keys)[shown] == expected[shown]).all()
        seen += shown
    assert (seen == visible).all()


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None)
@given(native=st.integers(8, 300))
def test_no_distance_leaves_the_trained_range_within_reach(name: str, native: int) -> None:
    factor = CASES[name].factor if METHODS[name].changes_frequencies else 1.0
    method = make(name, info(native), CASES[name].factor)
    last = np.array([min(method.reach - 1, native * 4000)], dtype=np.int64)
    for branch in method.branches(int(last[0]) + 1):
        low, high = (int(bound[0]) for bound in branch.keys(last))
        if high > low:
            found = distances(method, branch, last, np.arange(low, high, dtype=np.int64))
            assert 0 <= found.min() <= found.max() < native * factor


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None)
@given(native=st.integers(2, 300), start=st.integers(0, 2000), length=st.integers(1, 300))
def test_between_edges_the_keys_of_a_branch_only_slide(name: str, native: int, start: int, length: int) -> None:
    method = make(name, info(native), CASES[name].factor)
    edge = method.next_edge(start)
    assert edge is None or edge > start
    query = np.arange(start, start + length if edge is None else min(start + length, edge), dtype=np.int64)
    for branch in method.branches(start + length):
        for bound in branch.keys(query):
            assert np.isin(np.diff(bound), (0, 1)).all()


@pytest.mark.parametrize("public", PUBLIC)
@pytest.mark.parametrize("factor", [1.0, 2.0, 4.0, 32.0])
def test_yarn_frequencies_equal_the_library_s_own(public: str, factor: float) -> None:
    native, theta, head_dim = PUBLIC[public]
    ours = make("yarn", info(native, theta, head_dim), factor).frequencies
    config = llama(native, theta, head_dim, rope_type="yarn", factor=factor, original_max_position_embeddings=native)
    inv_freq, attention_factor = theirs(config, "yarn")
    assert ours is not None
    torch.testing.assert_close(torch.tensor(ours.inv_freq), inv_freq, rtol=1e-5, atol=0)
    assert ours.attention_factor == pytest.approx(attention_factor, rel=1e-12)


@pytest.mark.parametrize("public", PUBLIC)
def test_linear_frequencies_equal_the_library_s_own(public: str) -> None:
    native, theta, head_dim = PUBLIC[public]
    ours = make("linear", info(native, theta, head_dim), 8.0).frequencies
    inv_freq, attention_factor = theirs(llama(native, theta, head_dim, rope_type="linear", factor=8.0), "linear")
    assert ours is not None
    torch.testing.assert_close(torch.tensor(ours.inv_freq), inv_freq, rtol=1e-5, atol=0)
    assert ours.attention_factor == attention_factor


@pytest.mark.parametrize("public", PUBLIC)
def test_ntk_frequencies_equal_the_library_s_dynamic_ones_at_that_length(public: str) -> None:
    native, theta, head_dim = PUBLIC[public]
    ours = make("ntk", info(native, theta, head_dim), 4.0).frequencies
    # Dynamic NTK with factor 1 at four native lengths is the static rule with factor 4.
    inv_freq, _ = theirs(llama(native, theta, head_dim, rope_type="dynamic", factor=1.0), "dynamic", native * 4)
    assert ours is not None
    torch.testing.assert_close(torch.tensor(ours.inv_freq), inv_freq, rtol=1e-5, atol=0)


@pytest.mark.parametrize("public", PUBLIC)
@pytest.mark.parametrize("growth", [2.0, 4.0])
def test_dynamic_frequencies_equal_the_library_s_own_at_the_planned_length(public: str, growth: float) -> None:
    native, theta, head_dim = PUBLIC[public]
    model = info(native, theta, head_dim)
    if growth != 2.0:  # only a checkpoint says so
        model = replace(model, rope_parameters={**model.rope_parameters, "rope_type": "dynamic", "factor": growth})
    ours = make("dynamic", model, 8.0).frequencies
    inv_freq, _ = theirs(llama(native, theta, head_dim, rope_type="dynamic", factor=growth), "dynamic", native * 8)
    assert ours is not None
    torch.testing.assert_close(torch.tensor(ours.inv_freq), inv_freq, rtol=1e-5, atol=0)


def test_ntk_keeps_the_fastest_pair_and_slows_the_slowest_by_the_factor() -> None:
    model = info()
    plain, slowed = rope_of(model).inv_freq, make("ntk", model, 8.0).frequencies
    assert slowed is not None
    assert slowed.inv_freq[0] == plain[0]
    assert slowed.inv_freq[-1] == pytest.approx(plain[-1] / 8)


def test_string_moves_exactly_the_keys_from_its_first_far_distance_on() -> None:
    method = make("string", info(1536))
    near, far = method.branches(1536)
    positions = np.array([511, 512, 513], dtype=np.int64)
    assert [run.tolist() for run in near.keys(positions)] == [[0, 1, 2], [512, 513, 514]]
    assert [run.tolist() for run in far.keys(positions)] == [[0, 0, 0], [0, 1, 2]]
    # The first far key lands at the local window, the paper's W.
    assert (far.query_positions(positions) - (positions - 512)).tolist() == [128, 128, 128]


def test_string_with_yarn_measures_its_range_in_extended_tokens() -> None:
    model = info(1536)
    assert make("string+yarn", model, 4.0).numbers["shift_from"] == 2048
    assert make("string", model).numbers["shift_from"] == 512


def test_string_uses_the_range_that_a_declared_extension_gives() -> None:
    declared = info(1536, window=6144, rope_type="yarn", factor=4.0, original_max_position_embeddings=1536)
    assert make("string", declared).numbers["shift_from"] == 2048
    assert make("none", declared).reach == 6144


def test_a_window_wider_than_the_declared_extension_does_not_stretch_it() -> None:
    declared = info(2048, window=131072, rope_type="yarn", factor=16.0, original_max_position_embeddings=2048)
    assert make("none", declared).reach == 32768
    assert make("string", declared).numbers["shift_from"] == 32768 // 3
    assert factor_for("yarn", declared, 131072) == 64.0


@pytest.mark.parametrize("factor", [0.5, 0.0, -1.0, float("nan"), float("inf")])
def test_a_factor_below_one_is_refused(factor: float) -> None:
    with pytest.raises(UserError, match="factor"):
        make("yarn", info(), factor)


@pytest.mark.parametrize("name", ["none", "string"])
def test_a_factor_for_a_method_without_one_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="no factor"):
        make(name, info(), 2.0)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("yran", "yarn"), ("self-extnd", "self-extend"), ("rerop", "rerope"), ("steaming", "streaming")],
)
def test_an_unknown_method_names_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(UserError, match=f"Did you mean {right}"):
        make(wrong, info())


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"none"}))
def test_a_model_without_rotary_positions_takes_no_method(name: str) -> None:
    biased = replace(info(), rope_parameters={}, rope_theta=0.0)
    assert make("none", biased).reach == 2048
    with pytest.raises(UserError, match="no rotary positions"):
        make(name, biased)


def test_a_window_beyond_the_reach_of_a_method_is_refused() -> None:
    check_window("string", info(1536), 1536 + 512 - 128)
    check_window("yarn", info(1536), 1536 * 4096)
    check_window("streaming", info(1536), 1 << 30)
    for name, window in (("none", 1537), ("string", 1536 + 512 - 127), ("yarn", 1536 * 4096 + 1)):
        with pytest.raises(UserError, match=r"reaches [0-9,]+ tokens"):
            check_window(name, info(1536), window)


@given(n_tokens=st.integers(1, 2048 * 16))
def test_a_group_is_the_lowest_rung_that_reaches(n_tokens: int) -> None:
    group = factor_for("selfextend", info(), n_tokens)
    assert make("selfextend", info(), group).reach >= n_tokens
    assert group == 1 or make("selfextend", info(), group / 2).reach < n_tokens


def test_dual_chunk_attention_takes_the_sizes_a_checkpoint_declares() -> None:
    chunks = {"chunk_size": 262144, "local_size": 8192, "original_max_position_embeddings": 262144}
    model = replace(info(262144), rope_parameters={**info().rope_parameters, DUAL_CHUNK: chunks})
    for name in ("none", "dca"):
        assert make(name, model).numbers == {"chunk_size": 262144, "local_size": 8192}
    assert make("dca", info(4096)).numbers == {"chunk_size": 3072, "local_size": 512}


@pytest.mark.parametrize(
    ("n_tokens", "expected"),
    [(1000, 1.0), (262144, 1.0), (262145, 0.1 * np.log(2) + 1), (900_000, 0.1 * np.log(4) + 1)],
)
def test_dual_chunk_scores_rise_by_the_doublings_of_the_trained_length(n_tokens: int, expected: float) -> None:
    method = DualChunk(ChunkSizes(262144, 8192, 262144))
    assert method.temperature(n_tokens) == pytest.approx(expected)
    assert DualChunk(ChunkSizes(262144, 8192)).temperature(n_tokens) == 1.0


def test_names_are_found_whatever_their_case_and_by_alias() -> None:
    assert canonical(" YaRN ") == "yarn"
    assert canonical("pi") == "linear"


@pytest.mark.parametrize("declared", ["llama3", "longrope", "linear"])
def test_frequencies_that_a_checkpoint_was_trained_with_are_not_replaced(declared: str) -> None:
    model = info(rope_type=declared)
    with pytest.raises(UserError, match="declares"):
        make("yarn", model, 4.0)
    assert make("string", model).frequencies is None


@given(n_tokens=st.integers(1, 2048 * 4096))
def test_the_factor_is_the_lowest_rung_that_reaches(n_tokens: int) -> None:
    model = info()
    for name in ("yarn", "string+yarn"):
        factor = factor_for(name, model, n_tokens)
        assert factor in LADDER
        assert make(name, model, factor).reach >= n_tokens
        if factor > 1:
            assert make(name, model, factor / 2).reach < n_tokens


def test_methods_without_a_factor_are_given_one() -> None:
    assert factor_for("string", info(), 100_000) == 1.0


def test_rotated_dimensions_follow_the_declared_share() -> None:
    model = replace(info(), rope_parameters={"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.5})
    assert rope_of(model).rotary_dim == 32


def test_full_attention_settings_are_the_ones_extended_where_layer_types_differ() -> None:
    nested = {
        "full_attention": {"rope_type": "default", "rope_theta": 1e6},
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
    }
    assert rope_of(replace(info(), rope_parameters=nested)).theta == 1e6
