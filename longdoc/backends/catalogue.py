"""Models by name: where their folders are, what they are, and whether they may be loaded.

Reads JSON only; neither torch nor transformers is imported and no weight is
loaded. Every reason not to load a model is one sentence here, before anything
runs. A folder may hold `longdoc.json` with what a Hugging Face folder does not
say: hashes, tested context, window, licence, a note.
"""

from __future__ import annotations

import difflib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longdoc.backends import alibi_models
from longdoc.backends.rope_settings import contexts, declared_rope, full_attention
from longdoc.backends.state_models import FAMILIES
from longdoc.backends.state_models import describe as state_space
from longdoc.backends.weights import inspect
from longdoc.errors import ModelError
from longdoc.settings import Settings
from longdoc.types import ModelInfo

# Rotary decoders whose attention is what `longdoc.attention` does; each is a row in the tests' table.
ARCHITECTURES = frozenset(
    {
        "ArceeForCausalLM",
        "Cohere2ForCausalLM",
        "CohereForCausalLM",
        "Ernie4_5ForCausalLM",
        "Exaone4ForCausalLM",
        "GPTNeoXForCausalLM",
        "Gemma2ForCausalLM",
        "Gemma3ForCausalLM",
        "GemmaForCausalLM",
        "Glm4ForCausalLM",
        "GlmForCausalLM",
        "GptOssForCausalLM",
        "GraniteForCausalLM",
        "HeliumForCausalLM",
        "LlamaForCausalLM",
        "MistralForCausalLM",
        "MixtralForCausalLM",
        "Olmo2ForCausalLM",
        "Olmo3ForCausalLM",
        "OlmoForCausalLM",
        "Phi3ForCausalLM",
        "Qwen2ForCausalLM",
        "Qwen2MoeForCausalLM",
        "Qwen3ForCausalLM",
        "Qwen3MoeForCausalLM",
        "SeedOssForCausalLM",
        "SmolLM3ForCausalLM",
        "Starcoder2ForCausalLM",
    }
)
UNTESTED_EXTENSION = 16  # window of a model that declares none, in native lengths
_MAX_JSON_BYTES = 16 << 20
_CHOOSE = "Choose another model."


@dataclass(frozen=True)
class ModelEntry:
    """One line of `longdoc models list`: what a folder holds, or why it cannot be used."""

    name: str
    folder: Path
    info: ModelInfo | None
    problem: str = ""


def resolve(name: str, settings: Settings) -> Path:
    """Return the folder of a model: a bundled or added name, a path, or a hub name in the local hub cache.

    Nothing is downloaded. Raises ModelError naming the nearest known model.
    """
    known = dict(_known_folders(settings))
    if name in known:
        return known[name]
    path = Path(name).expanduser()
    if name and "\0" not in name and len(name) < 4096 and path.is_dir():
        return path
    cached = _hub_snapshot(name)
    if cached is not None:
        return cached
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"Known models: {', '.join(sorted(known)) or 'none'}."
    raise ModelError(f"There is no model {name!r} on this machine.", code="not_found", next_step=hint)


def available(settings: Settings) -> list[ModelEntry]:
    """Return every model folder under `settings.models` and `settings.home/models`, usable or not."""
    entries = []
    for name, folder in sorted(dict(_known_folders(settings)).items()):
        try:
            entries.append(ModelEntry(name, folder, describe(folder)))
        except ModelError as error:
            entries.append(ModelEntry(name, folder, None, str(error)))
    return entries


def describe(folder: Path) -> ModelInfo:
    """Return what is known of a model from its folder. Raises ModelError unless it can be loaded safely."""
    config = _read_json(folder / "config.json", required=True)
    _refuse_code(folder, config)
    architecture = _architecture(folder, config)
    card = read_card(folder)
    weights = inspect(folder)
    try:
        rope = declared_rope(config, folder.name)
        size = weights.n_parameters, weights.n_bytes
        if architecture in alibi_models.FAMILIES:
            return alibi_models.describe(folder, architecture, config, card, size)
        if architecture in FAMILIES:
            return state_space(
                folder, architecture, config, card, size, rope, lambda: contexts(config, rope, UNTESTED_EXTENSION)
            )
        num_heads = int(config["num_attention_heads"])
        head_dim = int(config.get("head_dim") or int(config["hidden_size"]) // num_heads)
        native, window = contexts(config, rope, UNTESTED_EXTENSION)
        return ModelInfo(
            name=folder.name,
            kind="transformer",
            folder=str(folder),
            architecture=architecture,
            native_context=native,
            window=int(card.get("window", window)),
            tested_context=int(card.get("tested_context", 0)),
            head_dim=head_dim,
            num_layers=int(config["num_hidden_layers"]),
            num_heads=num_heads,
            num_kv_heads=int(config.get("num_key_value_heads") or num_heads),
            n_parameters=weights.n_parameters,
            weight_bytes=weights.n_bytes,
            rope_theta=float(full_attention(rope)["rope_theta"]),
            rope_parameters=rope,
            licence=str(card.get("licence", "")),
            note=str(card.get("note", "")),
            position_margin=_margin(folder, card),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
        raise ModelError(
            f"config.json of {folder.name} does not describe a model: {type(error).__name__} {error}.",
            code="damaged",
            next_step="Copy the complete model folder again.",
        ) from error


def read_card(folder: Path) -> dict[str, Any]:
    """Return `longdoc.json` of a model folder, empty where there is none. Raises ModelError when it is damaged."""
    return _read_json(folder / "longdoc.json", required=False)


def _margin(folder: Path, card: dict[str, Any]) -> float:
    margin = card.get("position_margin", 1)
    if isinstance(margin, int | float) and math.isfinite(margin) and margin >= 1:
        return float(margin)
    raise ModelError(
        f"longdoc.json of {folder.name} gives {margin!r} for position_margin, and only numbers from 1 on are possible.",
        code="damaged",
        next_step="Copy the complete model folder again.",
    )


def declared_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 that `longdoc.json` declares for files of the folder. Raises ModelError when damaged."""
    declared = read_card(folder).get("sha256", {})
    if not isinstance(declared, dict) or not all(isinstance(digest, str) for digest in declared.values()):
        raise ModelError(
            f"longdoc.json of {folder.name} lists its hashes in a form that cannot be read.",
            code="damaged",
            next_step="Copy the complete model folder again.",
        )
    return declared


def _known_folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    for parent in (settings.home / "models", settings.models):  # bundled models win over added ones of the same name
        try:
            folders = sorted(parent.iterdir())
        except OSError:
            continue
        yield from ((folder.name, folder) for folder in folders if (folder / "config.json").is_file())


def _hub_snapshot(name: str) -> Path | None:
    """Return the folder of "owner/name" in Hugging Face's local cache, if it was downloaded before."""
    parts = name.split("/")
    if len(parts) != 2 or not all(part and part.strip(".") and "\0" not in part for part in parts):
        return None
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE", home / "hub")).expanduser()
    model = cache / f"models--{parts[0]}--{parts[1]}"
    try:
        revision = (model / "refs" / "main").read_text().strip()
    except (OSError, ValueError):
        return None
    folder = model / "snapshots" / Path(revision).name
    return folder if folder.is_dir() else None


def _read_json(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_JSON_BYTES:
            raise ValueError("too large")
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("not an object")
        return content
    except FileNotFoundError as error:
        if not required:
            return {}
        raise ModelError(
            f"{path.parent.name or path.parent} is not a model folder: it has no {path.name}.",
            code="incomplete",
            next_step="Give the folder that holds config.json and the weights.",
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(
            f"{path.name} of {path.parent.name} cannot be read.",
            code="damaged",
            next_step="Copy the complete model folder again.",
        ) from error


def _refuse_code(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse fields that make a library run code or take weights from elsewhere, at any depth."""
    if (folder / "adapter_config.json").exists():
        raise ModelError(
            f"{folder.name} holds an adapter, which changes another model's weights.",
            code="unsupported",
            next_step="Merge the adapter into its model and use that folder.",
        )
    for path, key, value in _fields(config):
        if key == "auto_map":
            raise ModelError(
                f"{folder.name} needs program code of its own ({path} in config.json), which LongDoc never runs.",
                code="remote_code",
                next_step="Choose a model of a standard architecture.",
            )
        if key == "transformers_weights" and value is not None:
            raise ModelError(
                f"config.json of {folder.name} names weight files of its own ({path}), which are not checked.",
                code="remote_code",
                next_step="Name the file model.safetensors and remove that field.",
            )
        # An empty field or a boolean names no code; older versions of transformers wrote those.
        named = value is not None and not isinstance(value, bool)
        if named and (key.endswith("_implementation") or "attn_implementation" in key):
            raise ModelError(
                f"config.json of {folder.name} chooses an implementation ({path}), which could run foreign code.",
                code="remote_code",
                next_step="Remove that field if you trust the folder.",
            )
        if key == "quantization_config" and value:
            raise ModelError(
                f"{folder.name} is quantised in a way that LongDoc does not run.",
                code="unsupported",
                next_step="Use the model's bfloat16 or float32 weights.",
            )


def _fields(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, Any]]:
    for key, value in config.items():
        path = f"{prefix}{key}"
        yield path, str(key), value
        if isinstance(value, Mapping):
            yield from _fields(value, f"{path}.")


def _architecture(folder: Path, config: Mapping[str, Any]) -> str:
    listed = config.get("architectures")
    name = str(listed[0]) if isinstance(listed, list) and listed else ""
    served = [*ARCHITECTURES, *FAMILIES, *alibi_models.FAMILIES]
    if name in served:
        return name
    if not name:
        raise ModelError(f"config.json of {folder.name} names no architecture.", code="unsupported", next_step=_CHOOSE)
    near = difflib.get_close_matches(name, served, n=1, cutoff=0.75)
    raise ModelError(
        f"{folder.name} is a {name}, an architecture whose attention LongDoc does not carry out.",
        code="unsupported",
        next_step=f"{_CHOOSE[:-1]}, for example a {near[0]}." if near else _CHOOSE,
    )
