"""Rotary settings of a config.json: brought to one form, and refused where they are not clear.

Checkpoints name the same numbers in several places and ways, and the library takes
one of them without a word where they differ, or only warns of numbers that cannot
be meant. Here that is one sentence before anything is loaded. Reads values only; what
frequencies follow from them stays with the library and `longdoc.positions`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from longdoc.errors import ModelError
from longdoc.positions import DUAL_CHUNK

# Rope types that the library computes, and what each needs besides the base.
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "default": (),
    "linear": ("factor",),
    "dynamic": ("factor",),
    "yarn": ("factor",),
    "longrope": (),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor"),
    "proportional": (),
}
_OLD_NAMES = {"su": "longrope"}
# What a config may say beside its rope settings as well as within.
_OUTSIDE = {
    "rope_theta": ("rope_theta", "rotary_emb_base"),
    "partial_rotary_factor": ("partial_rotary_factor", "rotary_pct"),
    "original_max_position_embeddings": ("original_max_position_embeddings",),
}


def declared_rope(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return rope settings in the form of transformers 5, whatever form the checkpoint has them in.

    Dual chunk attention, which the library does not know, is added under its own name. Raises
    ModelError for settings that contradict each other or cannot be meant; `name` is the model's.
    """
    try:
        rope = _settings(config)
        for one in _each(rope):
            _check(one)
        _check_lists(config, full_attention(rope))
        chunks = config.get(DUAL_CHUNK)
        if chunks:
            _check_chunks(chunks)
            rope[DUAL_CHUNK] = dict(chunks)
        return rope
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ModelError(
            f"The rotary settings in config.json of {name} cannot be used: {_said(error)}.",
            code="damaged",
            next_step="Copy the complete model folder again, or correct the setting.",
        ) from error


def full_attention(rope: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings of full-attention layers, where layer types differ; else the only ones."""
    nested = rope.get("full_attention")
    return nested if isinstance(nested, Mapping) else rope


def contexts(config: Mapping[str, Any], rope: Mapping[str, Any], untested: int) -> tuple[int, int]:
    """Return (native context, window) in tokens, as the checkpoint declares them.

    `untested`: window of a model that declares none, in native lengths. Raises ValueError, KeyError
    or TypeError for numbers that are none.
    """
    declared, longest = full_attention(rope), int(config["max_position_embeddings"])
    if longest < 1:
        raise ValueError("max_position_embeddings is below 1")
    chunks = rope.get(DUAL_CHUNK)
    if chunks is not None:
        # Trained on what a query and a key can be apart; served as far as it says.
        native = int(chunks.get("original_max_position_embeddings") or chunks["chunk_size"])
        return min(native, longest), longest
    kind, factor = declared["rope_type"], float(declared.get("factor") or 1.0)
    original = int(declared.get("original_max_position_embeddings") or longest)
    if kind in ("yarn", "longrope", "dynamic"):
        return original, max(longest, int(original * factor))
    if kind != "default":  # llama3, linear, ...: trained at their full length
        return longest, longest
    return longest, longest * untested


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    declared, older = config.get("rope_parameters") or {}, config.get("rope_scaling") or {}
    if declared and older:
        _agree("rope_parameters and rope_scaling", _one(declared, {}), _one(older, {}))
    declared = declared or older
    outside = {}
    for key, names in _OUTSIDE.items():
        found = next((config[each] for each in names if config.get(each)), None)
        if found is not None:
            outside[key] = found
    if any(isinstance(value, Mapping) for value in declared.values()):  # one entry for each layer type
        return {kind: _one(entry or {}, outside) for kind, entry in declared.items()}
    _agree("config.json and its rope settings", outside, declared)
    return _one(declared, outside)


def _agree(where: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    for key in one:
        if other.get(key) is not None and one[key] is not None and one[key] != other[key]:
            raise ValueError(f"{where} contradict each other on {key} ({one[key]} and {other[key]})")


def _one(declared: Mapping[str, Any], outside: Mapping[str, Any]) -> dict[str, Any]:
    rope = {**outside, **declared}
    rope["rope_theta"] = float(rope.get("rope_theta") or 10000.0)
    names = {_OLD_NAMES.get(str(rope[key]), str(rope[key])) for key in ("type", "rope_type") if rope.get(key)}
    if len(names) > 1:
        raise ValueError(f"type and rope_type contradict each other ({' and '.join(sorted(names))})")
    rope.pop("type", None)
    rope["rope_type"] = names.pop() if names else "default"
    if rope["rope_type"] == "default":
        rope.pop("original_max_position_embeddings", None)
    return rope


def _each(rope: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    nested = [value for value in rope.values() if isinstance(value, Mapping)]
    yield from nested or [rope]


def _check(rope: Mapping[str, Any]) -> None:
    kind = rope["rope_type"]
    if kind not in _NEEDED:
        raise ValueError(f"the rope type {kind!r} is unknown")
    for key in _NEEDED[kind]:
        if rope.get(key) is None:
            raise ValueError(f"the rope type {kind} needs a {key}")
    for key in ("rope_theta", "factor", "original_max_position_embeddings", "partial_rotary_factor"):
        if rope.get(key) is not None and not (_number(rope[key]) and rope[key] > 0):
            raise ValueError(f"{key} is {rope[key]!r}, not a number above 0")
    if rope.get("factor") is not None and rope["factor"] < 1:
        raise ValueError(f"the rope factor {rope['factor']:g} is below 1")
    if kind == "llama3" and not rope["high_freq_factor"] > rope["low_freq_factor"] > 0:
        raise ValueError("high_freq_factor is not above low_freq_factor")
    if kind == "yarn" and (rope.get("beta_fast") or 32) < (rope.get("beta_slow") or 1):
        raise ValueError("beta_fast is below beta_slow")


def _check_lists(config: Mapping[str, Any], rope: Mapping[str, Any]) -> None:
    """Hold LongRoPE's two lists against the pairs of a head."""
    if rope["rope_type"] != "longrope":
        return
    head_dim = int(config.get("head_dim") or int(config["hidden_size"]) // int(config["num_attention_heads"]))
    n_pairs = int(head_dim * float(rope.get("partial_rotary_factor") or 1.0)) // 2
    for key in ("short_factor", "long_factor"):
        found = rope.get(key)
        if not isinstance(found, list) or not all(_number(each) and each > 0 for each in found):
            raise ValueError(f"{key} is not a list of numbers above 0")
        if len(found) != n_pairs:
            raise ValueError(f"{key} has {len(found)} numbers for {n_pairs} pairs of a head")


def _check_chunks(chunks: Any) -> None:
    if not isinstance(chunks, Mapping):
        raise ValueError(f"{DUAL_CHUNK} is not an object")
    size, local = chunks.get("chunk_size"), chunks.get("local_size")
    if not (isinstance(size, int) and isinstance(local, int) and size > local >= 0):
        raise ValueError(f"{DUAL_CHUNK} has a chunk of {size!r} tokens, {local!r} of them local")
    trained = chunks.get("original_max_position_embeddings")
    if trained is not None and not (isinstance(trained, int) and trained >= 0):
        raise ValueError(f"{DUAL_CHUNK} has an original length of {trained!r}")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _said(error: Exception) -> str:
    return str(error) if type(error) is ValueError else "they are not in a form that can be read"
