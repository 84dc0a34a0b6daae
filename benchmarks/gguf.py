"""Write a Qwen3-class model folder as one GGUF file, so that llama.cpp computes with the same weights.

    python -m benchmarks.gguf models/reader reader.gguf [--dtype bf16|f16|f32]

Covers what the bundled reader is: tied embeddings, YaRN or plain rotary positions, a byte-level BPE
tokenizer that cuts digits apart. Anything else is refused. Matrices are stored in the chosen type, norms
in float32; from bf16 weights, bf16 and f32 lose nothing. Needs the package gguf (requirements-dev.txt).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from longdoc.errors import LongDocError, ModelError

DTYPES = ("bf16", "f16", "f32")
_PARTS = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_WHOLE = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
# llama.cpp knows ways to cut text before merging by name; this one cuts single digits, then as GPT-2 does.
_PRETOKENIZER = "smollm"


def export(folder: Path, target: Path, dtype: str = "bf16") -> None:
    """Write the model in `folder` to `target`. Raises ModelError for a model this cannot express."""
    import gguf

    config = json.loads((folder / "config.json").read_text())
    _check(config)
    writer = gguf.GGUFWriter(target, "qwen3")
    writer.add_name(folder.name)
    _shape(writer, config)
    _vocabulary(writer, folder, config)
    kind = gguf.GGMLQuantizationType[dtype.upper()]
    for name, tensor in tensors(folder):
        stored = kind if tensor.ndim > 1 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(name, gguf.quants.quantize(tensor, stored), raw_dtype=stored)
    writer.add_file_type(gguf.LlamaFileType["ALL_F32" if dtype == "f32" else f"MOSTLY_{dtype.upper()}"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every weight in float32 under its GGUF name. Raises ModelError for one without a place."""
    with safe_open(folder / "model.safetensors", framework="pt") as weights:
        for name in weights.keys():  # noqa: SIM118  # not a dictionary
            yield gguf_name(name), weights.get_tensor(name).float().numpy()


def gguf_name(name: str) -> str:
    """Return a tensor's name in llama.cpp. Raises ModelError."""
    if name in _WHOLE:
        return _WHOLE[name]
    words = name.split(".")
    part = ".".join(words[3:-1])
    if words[:2] == ["model", "layers"] and words[-1] == "weight" and part in _PARTS:
        return f"blk.{words[2]}.{_PARTS[part]}.weight"
    raise ModelError(f"The tensor {name} has no place in llama.cpp's qwen3.", code="unsupported")


def _check(config: dict[str, Any]) -> None:
    rope = config.get("rope_parameters", {}).get("rope_type", "default")
    told = (
        (config.get("model_type") == "qwen3", "is no Qwen3"),
        (config.get("tie_word_embeddings"), "has a head of its own"),
        (not config.get("use_sliding_window"), "has windows"),
        (not config.get("attention_bias"), "has attention biases"),
        (rope in ("default", "yarn"), f"has {rope} positions"),
    )
    for fine, why in told:
        if not fine:
            raise ModelError(f"The model {why}; this exporter does not write such models.", code="unsupported")


def _shape(writer: Any, config: dict[str, Any]) -> None:
    import gguf

    rope = config["rope_parameters"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])


def _vocabulary(writer: Any, folder: Path, config: dict[str, Any]) -> None:
    import gguf

    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    model = tokenizer["model"]
    steps = [
        (step["type"], step.get("individual_digits")) for step in tokenizer["pre_tokenizer"].get("pretokenizers", [])
    ]
    if model["type"] != "BPE" or steps != [("Digits", True), ("ByteLevel", None)]:
        raise ModelError("The tokenizer is no byte-level BPE over single digits.", code="unsupported")
    special = {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    words = {index: word for word, index in model["vocab"].items()} | special
    listed = [words.get(index, f"[unused{index}]") for index in range(config["vocab_size"])]
    kinds = [
        gguf.TokenType.CONTROL
        if index in special
        else gguf.TokenType.NORMAL
        if index in words
        else gguf.TokenType.UNUSED
        for index in range(len(listed))
    ]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_PRETOKENIZER)
    writer.add_token_list(listed)
    writer.add_token_types(kinds)
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_pad_token_id(config["pad_token_id"])
    writer.add_add_bos_token(False)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--dtype", choices=DTYPES, default="bf16")
    given = parser.parse_args()
    try:
        export(given.folder, given.target, given.dtype)
    except LongDocError as error:
        print(error, file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"{error}. Install requirements-dev.txt.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
