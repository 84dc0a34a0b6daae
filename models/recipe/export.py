"""Turn training weights into a model folder that `AutoModelForCausalLM` loads.

    python -m models.recipe.export --weights RUN/weights-E.pt --config CONFIG --yarn-factor 16 --out models/reader

Writes bfloat16 safetensors, `config.json`, `generation_config.json` and
`longdoc.json` with the weights' SHA-256, which LongDoc checks before loading.
The tokenizer is already there (`models.recipe.tokenizer`).
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch

from longdoc.files import atomic_write, sha256_file
from models.recipe.model import configuration, new_model
from models.recipe.train import RunConfig

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
NOTE = (
    "A first, small model ({millions:.0f}M parameters, trained on {trained_on}) that finds and quotes. What it quotes"
    " stands in the documents, but it is wrong on most questions that people write freely, the more so in long"
    " documents: check its citations, or choose a larger model. It cannot reason, calculate or write prose."
    " English only."
)


def export(
    weights: Path,
    config_path: Path,
    out: Path,
    yarn_factor: float,
    window: int,
    tested: int,
    licence: str,
    trained_on: str = "two CPU cores",
    tokenizer: Path | None = None,
    position_margin: float = 1.0,
) -> None:
    """Write the model folder; `window` is the longest prompt accepted, `tested` the longest measured, in tokens.

    `position_margin` is how much farther than a prompt's length positions are stretched (`ModelInfo`).
    `tokenizer` is the folder to copy the tokenizer from, where it is not in `out` already.
    """
    run = RunConfig.read(config_path)
    config = configuration(run.shape, yarn_factor)
    model = new_model(config)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    model.load_state_dict(state.get("model", state))
    model = model.to(torch.bfloat16)
    out.mkdir(parents=True, exist_ok=True)
    if tokenizer and tokenizer != out:
        for name in TOKENIZER_FILES:
            shutil.copyfile(tokenizer / name, out / name)
    model.generation_config.eos_token_id = 6
    model.save_pretrained(out)
    millions = sum(p.numel() for p in model.parameters()) / 1e6
    card = {
        "sha256": {name: sha256_file(out / name) for name in ("model.safetensors", "tokenizer.json")},
        "answer_style": "reader",
        "window": window,
        "tested_context": tested,
        "position_margin": position_margin,
        "licence": licence,
        "note": NOTE.format(millions=millions, trained_on=trained_on),
    }
    atomic_write(out / "longdoc.json", (json.dumps(card, indent=2) + "\n").encode())
    print(f"{out}: {millions:.2f}M parameters, {(out / 'model.safetensors').stat().st_size:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description="Export training weights as a model folder.")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--yarn-factor", type=float, default=1.0)
    parser.add_argument("--window", type=int, default=131_072)
    parser.add_argument("--tested", type=int, default=0)
    parser.add_argument(
        "--licence", default="Apache-2.0 (weights); training data under the licences in models/README.md"
    )
    parser.add_argument("--trained-on", default="two CPU cores", help="as the app's note says it")
    parser.add_argument("--tokenizer", type=Path, help="folder to copy the tokenizer from")
    parser.add_argument("--position-margin", type=float, default=1.0)
    args = parser.parse_args()
    export(
        args.weights,
        args.config,
        args.out,
        args.yarn_factor,
        args.window,
        args.tested,
        args.licence,
        args.trained_on,
        args.tokenizer,
        args.position_margin,
    )


if __name__ == "__main__":
    main()
