"""Average the weights of runs that began from one another.

    python -m models.recipe.average --weights A.pt B.pt C.pt --shares 0.3 0.35 0.35 --out weights-average.pt

Runs that share a beginning lie in one basin, and the mean of their weights is often better than each of them at what
each of them is good at (Wortsman et al. 2022, "Model soups", arXiv:2203.05482; WiSE-FT, arXiv:2109.01903).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file


def read(path: Path) -> dict[str, torch.Tensor]:
    """Return float32 weights of `weights-<stage>.pt` or of an exported model folder."""
    if path.is_dir():
        weights = load_file(path / "model.safetensors")
        weights.setdefault("lm_head.weight", weights["model.embed_tokens.weight"])  # tied: stored once
    else:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    return {name: tensor.float() for name, tensor in weights.items()}


def average(runs: Sequence[dict[str, torch.Tensor]], shares: Sequence[float]) -> dict[str, torch.Tensor]:
    """Return the weighted mean of runs. Raises ValueError when they do not fit or the shares do not sum to one."""
    if len(runs) != len(shares) or abs(sum(shares) - 1) > 1e-6:
        raise ValueError("one share for each of the weights, and together 1")
    names = set(runs[0])
    if any(set(run) != names for run in runs):
        raise ValueError("the weights are of different models")
    return {name: sum(share * run[name] for share, run in zip(shares, runs, strict=True)) for name in runs[0]}  # type: ignore[misc]  # sum of tensors


def main() -> None:
    parser = argparse.ArgumentParser(description="Average the weights of runs that began from one another.")
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="weights-<stage>.pt or model folders")
    parser.add_argument("--shares", type=float, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.save(average([read(path) for path in args.weights], args.shares), args.out)


if __name__ == "__main__":
    main()
