from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.compare_text import READER, task
from longdoc.errors import ModelError

gguf = pytest.importorskip("gguf", reason="gguf is not installed (requirements-dev.txt)")
pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from benchmarks.gguf import export

    path = tmp_path_factory.mktemp("gguf") / "reader.gguf"
    export(READER, path, "bf16")
    return path


def test_every_weight_is_stored_exactly_and_once(written: Path) -> None:
    from benchmarks.gguf import tensors

    stored = {tensor.name: tensor for tensor in gguf.GGUFReader(written).tensors}
    expected = dict(tensors(READER))
    assert set(stored) == set(expected)
    for name, weight in expected.items():
        found = gguf.quants.dequantize(stored[name].data, stored[name].tensor_type)
        assert np.array_equal(found, weight), name


def test_positions_shape_and_vocabulary_are_told(written: Path) -> None:
    fields = gguf.GGUFReader(written).fields
    config = json.loads((READER / "config.json").read_text())

    def value(name: str) -> Any:
        return fields[name].contents()

    assert value("general.architecture") == "qwen3"
    assert value("qwen3.block_count") == config["num_hidden_layers"]
    assert value("qwen3.attention.key_length") == config["head_dim"]
    assert value("qwen3.rope.scaling.type") == "yarn"
    assert value("qwen3.rope.scaling.factor") == 16
    assert value("qwen3.rope.scaling.original_context_length") == 2048
    vocabulary = json.loads((READER / "tokenizer.json").read_text())["model"]["vocab"]
    listed = value("tokenizer.ggml.tokens")
    assert len(listed) == config["vocab_size"]
    assert all(listed[index] == word for word, index in vocabulary.items())


def test_a_model_it_cannot_express_is_refused(tmp_path: Path) -> None:
    from benchmarks.gguf import export

    for name in ("config.json", "tokenizer.json"):
        shutil.copy(READER / name, tmp_path)
    config = json.loads((READER / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
    with pytest.raises(ModelError, match="head of its own"):
        export(tmp_path, tmp_path / "out.gguf")


@pytest.mark.parametrize("attention", ["plain", "flash"])
def test_llama_cpp_computes_the_logits_of_transformers(attention: str, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed (requirements-bench.txt)")
    import torch
    from transformers import AutoModelForCausalLM

    from benchmarks.compare_llama import LlamaCpp

    ids = task(600, 4).document
    side = LlamaCpp(f"f32 f32 {attention} 512", tmp_path, 1, 1024)
    side.load()
    side._llama.eval(ids)
    found = side.logits().copy()
    side.close()
    model = AutoModelForCausalLM.from_pretrained(str(READER), dtype=torch.float32, local_files_only=True).eval()
    with torch.inference_mode():
        expected = model(torch.tensor([list(ids)]), use_cache=False).logits[0, -1].numpy()
    assert found.argmax() == expected.argmax()
    np.testing.assert_allclose(found, expected, atol=2e-2)


def test_llama_cpp_cuts_text_into_the_same_tokens(written: Path) -> None:
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed (requirements-bench.txt)")
    from longdoc.tokens import TextTokenizer

    text = "In 1381 the scrivener's rent was 12,450 pence;\n\n  two\tfolios, naïve façade — 東京."
    llama = llama_cpp.Llama(str(written), vocab_only=True, verbose=False)
    assert llama.tokenize(text.encode(), add_bos=False) == list(TextTokenizer.from_folder(READER).ids(text))
