"""Train a tiny reader end to end on made text, in minutes on two cores.

    python -m models.recipe.tiny --out runs/tiny
    longdoc evaluate needle --model runs/tiny/model --lengths 256,512

Made data, tokenizer, token files, training, export: the very steps of the
shipped model (models/README.md), smaller.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

CONFIG = Path(__file__).parent / "configs" / "tiny.json"


def steps(out: Path, config: Path) -> list[list[str]]:
    """Return the commands of a whole run, in order."""
    data, model, tokens, run = out / "data", out / "model", out / "tokens", out / "run"
    module = [sys.executable, "-m"]
    return [
        [*module, "models.recipe.tiny_data", "--out", str(data)],
        [*module, "models.recipe.tokenizer", "--data", str(data), "--vocab-size", "2048", "--out", str(model)],
        [*module, "models.recipe.shards", "--data", str(data), "--tokenizer", str(model), "--out", str(tokens)],
        [
            *module, "models.recipe.train", "--config", str(config), "--data", str(data), "--tokens", str(tokens),
            "--tokenizer", str(model), "--out", str(run),
        ],
        [
            *module, "models.recipe.export", "--weights", str(run / "weights-D.pt"), "--config", str(config),
            "--out", str(model), "--window", "8192", "--licence", "Apache-2.0",
        ],
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a tiny reader end to end on made text.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=CONFIG)
    args = parser.parse_args()
    for command in steps(args.out, args.config):
        print("+", " ".join(command[2:]), flush=True)
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
