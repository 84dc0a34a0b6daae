"""The optional embedding model: found by folder, never downloaded, refused when it is not whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from longdoc.errors import ModelError
from longdoc.retrieval import find_embedder
from longdoc.settings import Settings

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "rent", "dog", "bay", "the"]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of a few thousand weights in a standard folder."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "embedder"
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    fast.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=512,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def test_without_a_folder_there_is_no_embedder(tmp_path: Path) -> None:
    assert find_embedder(Settings(home=tmp_path, models=tmp_path / "models")) is None


def test_vectors_have_length_one_and_do_not_depend_on_what_else_is_in_the_batch(toy: Path, tmp_path: Path) -> None:
    embedder = find_embedder(Settings(home=tmp_path, models=toy.parent))
    assert embedder is not None
    texts = ["the rent", "dog", "the bay the bay the bay", "rent " * 600, "unknown"]
    together = embedder.embed(texts)
    assert together.shape == (5, 16)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    for number, text in enumerate(texts):
        assert embedder.embed([text])[0] == pytest.approx(together[number], abs=1e-4)


def test_the_fingerprint_changes_with_weights_and_pooling(toy: Path, tmp_path: Path) -> None:
    def copied(name: str) -> Path:
        folder = tmp_path / name / "embedder"
        folder.mkdir(parents=True)
        for file in toy.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        return folder

    prints = set()
    for name in ("same", "weights", "pooling"):
        folder = copied(name)
        if name == "weights":
            (folder / "model.safetensors").write_bytes(b"other")
        if name == "pooling":
            (folder / "1_Pooling").mkdir()
            (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
        embedder = find_embedder(Settings(home=tmp_path, models=folder.parent))
        assert embedder is not None
        prints.add(embedder.fingerprint)
    assert len(prints) == 3


@pytest.mark.parametrize("fault", ["no weights", "own code", "damaged weights"])
def test_a_folder_that_cannot_be_used_is_one_clear_error(toy: Path, tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "embedder"
    folder.mkdir()
    for file in toy.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    if fault == "no weights":
        (folder / "model.safetensors").unlink()
    if fault == "own code":
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))
    if fault == "damaged weights":
        (folder / "model.safetensors").write_bytes(b"\x00" * 100)

    def use() -> None:
        embedder = find_embedder(Settings(home=tmp_path, models=tmp_path))
        assert embedder is not None
        embedder.embed(["the rent"])

    with pytest.raises(ModelError, match="embedding model"):
        use()
