"""Every position method on real model code against a slow twin: a full matrix of positions, in float64."""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from position_cases import CASES, Case
from toys import NATIVE, answer, backend_of, info_of, plan_for, read, tokens, toy
from transformers import AttentionInterface

from longdoc.positions import METHODS, make
from longdoc.positions.method import Frequencies

N, QUESTION, NEW = 90, 16, 3
COMMON = {f"{name}ForCausalLM" for name in ("Llama", "Mistral", "Qwen2", "Qwen3", "Phi3", "Gemma", "GPTNeoX")}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "CohereForCausalLM": {},  # pairs lie side by side
    "GPTNeoXForCausalLM": {},  # half of a head is rotated
    "GemmaForCausalLM": {},
    "Gemma2ForCausalLM": {},  # capped scores, windows
    "Gemma3ForCausalLM": {},  # windows with frequencies of their own
    "GptOssForCausalLM": {},  # sinks, windows
    "LlamaForCausalLM": {},
    "MistralForCausalLM": {"sliding_window": 40},  # a window in every layer, longer than StRing's near keys
    "Phi3ForCausalLM": {},
    "Qwen2ForCausalLM": {},
    "Qwen3ForCausalLM": {},
    "SmolLM3ForCausalLM": {},  # a layer without positions
}


class Still(torch.nn.Module):
    """A rotary module that does not rotate."""

    def __init__(self, original: Any) -> None:
        super().__init__()
        self.original, self.rope_type = original, original.rope_type

    def forward(self, x: torch.Tensor, position_ids: torch.Tensor, layer_type: Any = None) -> Any:
        kind = {} if layer_type is None else {"layer_type": layer_type}
        cos, sin = self.original(x, position_ids, **kind)
        return torch.ones_like(cos), torch.zeros_like(sin)


def angles(rotary: Any, inv_freq: torch.Tensor, kind: dict[str, str]) -> torch.Tensor:
    """Radians per token for each rotated dimension, in the layout of the model's own rotary class, float64."""
    probe, name = copy.deepcopy(rotary), "_".join([*kind.values(), "inv_freq"])
    setattr(probe, name, torch.arange(1, len(inv_freq) + 1) * 1e-2)
    setattr(probe, name.replace("inv_freq", "attention_scaling"), 1.0)
    cos, _ = probe(torch.zeros(1), torch.tensor([[1]]), **kind)
    pair = (torch.arccos(cos[0, 0].double()) / 1e-2).round().long() - 1
    return inv_freq.double()[pair]


def twin(model: Any, case: Case, frequencies: Frequencies | None) -> Callable[..., Any]:
    """An attention function that rotates every query anew for every distance."""
    rotary = model.base_model.rotary_emb
    nested = isinstance(rotary.rope_type, dict)

    def attend(module: Any, query: Any, key: Any, value: Any, mask: Any, scaling: float, **kw: Any) -> Any:
        window = kw.get("sliding_window")
        own = nested and window is not None  # a layer whose frequencies the method does not touch
        kind = {"layer_type": "sliding_attention" if window else "full_attention"} if nested else {}
        extended = frequencies is not None and not own
        inv_freq = (
            torch.tensor(frequencies.inv_freq, dtype=torch.float64)
            if extended
            else getattr(rotary, "_".join([*kind.values(), "inv_freq"]))
        )
        per_token = angles(rotary, inv_freq, kind)
        gain = frequencies.attention_factor**2 if extended else 1.0
        n = query.shape[2]
        rows, columns = np.arange(n)[:, None], np.arange(n)[None]
        distance = torch.from_numpy(rows - columns)
        turned = getattr(module, "use_rope", True)
        plain = own or not turned  # the method changes positions; what has none of its own stays
        met = distance if plain else torch.from_numpy(case.met(rows, columns, NATIVE))
        visible = distance >= 0 if plain else torch.from_numpy(case.sees(rows, columns, NATIVE))
        groups = query.shape[1] // key.shape[1]
        keys, values = (part.repeat_interleave(groups, 1) for part in (key, value))
        rotate = sys.modules[type(module).__module__].apply_rotary_pos_emb
        moved = query.repeat_interleave(n, 2)  # each query once for every key
        if turned:
            angle = met.reshape(-1, 1) * per_token
            cos, sin = (torch.cos(angle) * gain)[None], (torch.sin(angle) * gain)[None]
            moved = rotate(moved, moved[:, :1], cos, sin)[0]
        scores = (moved[0].unflatten(1, (n, n)) * keys[0].unsqueeze(1)).sum(-1) * scaling
        if kw.get("softcap"):
            scores = torch.tanh(scores / kw["softcap"]) * kw["softcap"]
        hidden = ~visible if window is None else ~visible | (distance >= window)
        scores = scores.masked_fill(hidden, -torch.inf)
        if kw.get("s_aux") is not None:
            scores = torch.cat([scores, kw["s_aux"][:, None, None].double().expand(-1, n, 1)], -1)
        weights = torch.softmax(scores, -1)[..., :n]
        return (weights[None] @ values).transpose(1, 2), None

    return attend


@pytest.fixture
def registered() -> Iterator[Callable[[Callable[..., Any]], None]]:
    yield lambda function: AttentionInterface.register("twin", function)
    AttentionInterface._global_mapping.pop("twin", None)


def test_every_method_has_a_twin() -> None:
    assert set(CASES) == set(METHODS)


def _pairs() -> Iterator[Any]:
    """Every method on every architecture; the rarer pairs only among the long runs, as a twin takes seconds."""
    for method in sorted(METHODS):
        for architecture in sorted(ARCHITECTURES):
            often = architecture in COMMON or method in ("yarn", "string", "dca", "rerope")
            yield pytest.param(method, architecture, marks=() if often else pytest.mark.torture)


@pytest.mark.parametrize(("method", "architecture"), _pairs())
def test_a_method_agrees_with_its_twin_whole_chunked_and_cached(
    method: str, architecture: str, registered: Callable[[Callable[..., Any]], None]
) -> None:
    model, ids, factor = toy(architecture, **ARCHITECTURES[architecture]), tokens(N), CASES[method].factor
    backend = backend_of(model)
    plan = plan_for(N, position_method=method, factor=factor)
    whole = plan_for(N, position_method=method, factor=factor, prefill_step=512)
    found = answer(backend, ids[-QUESTION:], read(backend, ids[:-QUESTION], whole), whole, NEW)
    # In odd steps, from a reading that was longer and was cut back.
    odd = plan_for(N, position_method=method, factor=factor, prefill_step=37)
    reading = read(backend, ids[:60] + ids[20:50], odd, room=100)
    reading.truncate(60)
    for _ in backend.prefill(ids[:-QUESTION], reading, odd, threading.Event()):
        pass
    again = answer(backend, ids[-QUESTION:], reading, plan, NEW)
    assert [token.token_id for token in again] == [token.token_id for token in found]
    assert [token.logprob for token in again] == pytest.approx([token.logprob for token in found], abs=1e-5)
    backend.close()

    slow = copy.deepcopy(model).double()
    made = make(method, info_of(model), factor)
    registered(twin(slow, CASES[method], made.frequencies))
    slow.base_model.rotary_emb = Still(slow.base_model.rotary_emb)
    slow.base_model.rotary_emb.original = copy.deepcopy(model.base_model.rotary_emb)
    slow.set_attn_implementation("twin")
    slow.config._experts_implementation = "eager"  # the grouped kernel takes no float64
    with torch.no_grad():
        everything = [*ids, *(token.token_id for token in found)]
        logits = slow(torch.tensor([everything]), use_cache=False).logits[0, N - 1 : -1]
    expected = logits.double().log_softmax(-1)
    assert expected.argmax(-1).tolist() == [token.token_id for token in found]
    assert [token.logprob for token in found] == pytest.approx(expected.amax(-1).tolist(), abs=1e-5)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_keys_kept_in_bfloat16_cost_a_moved_key_no_more_than_any_other(method: str) -> None:
    ids, backend = tokens(N), backend_of(toy("LlamaForCausalLM"))
    found = []
    for kv_dtype in ("float32", "bf16"):
        plan = plan_for(N, position_method=method, factor=CASES[method].factor, kv_dtype=kv_dtype)
        found.append(answer(backend, ids[-QUESTION:], read(backend, ids[:-QUESTION], plan), plan, 1)[0].logprob)
    assert found[0] == pytest.approx(found[1], abs=0.1)
