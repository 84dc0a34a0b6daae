"""Tests of averaging weights."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from models.recipe.average import average, read


def test_the_average_lies_where_the_shares_say() -> None:
    mean = average([{"a": torch.tensor([0.0, 4.0])}, {"a": torch.tensor([1.0, 0.0])}], [0.25, 0.75])
    assert mean["a"].tolist() == [0.75, 1.0]


def test_shares_must_fit() -> None:
    with pytest.raises(ValueError, match="together 1"):
        average([{"a": torch.zeros(1)}, {"a": torch.zeros(1)}], [0.5, 0.6])


def test_other_models_are_refused() -> None:
    with pytest.raises(ValueError, match="different models"):
        average([{"a": torch.zeros(1)}, {"b": torch.zeros(1)}], [0.5, 0.5])


def test_a_model_folder_and_a_weights_file_are_read_alike(tmp_path: Path) -> None:
    embedding = torch.arange(6, dtype=torch.bfloat16).reshape(3, 2)
    save_file({"model.embed_tokens.weight": embedding}, tmp_path / "model.safetensors")
    torch.save({"model.embed_tokens.weight": embedding, "lm_head.weight": embedding}, tmp_path / "weights-A.pt")
    from_folder, from_file = read(tmp_path), read(tmp_path / "weights-A.pt")
    assert set(from_folder) == set(from_file)
    assert all(torch.equal(from_folder[name], from_file[name]) for name in from_file)
    assert from_file["lm_head.weight"].dtype == torch.float32
