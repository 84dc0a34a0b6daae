"""A tiny random Whisper in the form that faster-whisper loads: the real code path without a download.

Its words are noise. Built with transformers' model and CTranslate2's converter; the tokenizer
has bytes and made-up words, and Whisper's own special tokens at the places the model declares.
CTranslate2 takes a model for a multilingual one if its tokens include the empty text, as the published ones do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

N_WORDS = 200
_LIKELY = 5  # words that it says; with the end of text among them, it is brief


@dataclass(frozen=True)
class Shape:
    """Sizes of a model. `n_tokens` 0: as few as there can be."""

    width: int
    inner: int  # of the feed-forward layers
    n_layers: int
    n_heads: int
    n_tokens: int = 0
    is_multilingual: bool = False


TOY = Shape(16, 16, 1, 2)
TOY_OF_MANY_LANGUAGES = Shape(16, 16, 1, 2, is_multilingual=True)
BASE = Shape(512, 2048, 6, 8, 51_865, is_multilingual=True)  # https://huggingface.co/openai/whisper-base, config.json
SHAPES = {"base": BASE}


def toy_whisper(folder: Path, seed: int = 7, *, shape: Shape = TOY, language: str = "", quantized: str = "") -> Path:
    """Write the model to `folder` and return it. A multilingual one takes every voice for one of `language`."""
    import torch
    from ctranslate2.converters import TransformersConverter
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    tokens = _tokens(shape)
    config = WhisperConfig(
        vocab_size=len(tokens),
        num_mel_bins=80,
        d_model=shape.width,
        encoder_layers=shape.n_layers,
        decoder_layers=shape.n_layers,
        encoder_attention_heads=shape.n_heads,
        decoder_attention_heads=shape.n_heads,
        encoder_ffn_dim=shape.inner,
        decoder_ffn_dim=shape.inner,
        max_target_positions=448,
        bos_token_id=tokens["<|endoftext|>"],
        eos_token_id=tokens["<|endoftext|>"],
        pad_token_id=tokens["<|endoftext|>"],
        decoder_start_token_id=tokens["<|startoftranscript|>"],
        suppress_tokens=[],
        begin_suppress_tokens=[tokens["<|endoftext|>"]],
    )
    torch.manual_seed(seed)
    model = WhisperForConditionalGeneration(config)
    with torch.no_grad():
        likely = [tokens["<|endoftext|>"], *(tokens[f"Ġ{_word(number)}"] for number in range(_LIKELY))]
        likely += [tokens[f"<|{language}|>"]] if language else []
        direction = torch.randn(shape.width)
        direction /= direction.norm()
        model.model.decoder.embed_tokens.weight[likely] += direction
        model.model.decoder.layer_norm.bias += 9.0 * direction  # logits of these are higher by nine
    source = folder.with_name(folder.name + "-source")
    model.save_pretrained(source)
    _tokenizer(tokens).save(str(source / "tokenizer.json"))
    (source / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    (source / "preprocessor_config.json").write_text(json.dumps({"feature_size": 80, "sampling_rate": 16_000}))
    converter = TransformersConverter(str(source), copy_files=["tokenizer.json", "preprocessor_config.json"])
    converter.convert(str(folder), force=True, quantization=quantized or None)
    config = json.loads((folder / "config.json").read_text())
    # The converter knows these of the published models only.
    config["lang_ids"] = [tokens[f"<|{code}|>"] for code in _languages()]
    config["alignment_heads"] = [[0, 0], [0, 1]]
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def _tokens(shape: Shape) -> dict[str, int]:
    """Return every token with its id: bytes, words, Whisper's special ones in its order."""
    from tokenizers.pre_tokenizers import ByteLevel

    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in _languages())]
    special += [
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
    ]
    special += [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
    names = [*sorted(ByteLevel.alphabet()), *([""] if shape.is_multilingual else [])]
    n_words = max(N_WORDS, shape.n_tokens - len(names) - len(special))
    names += [f"Ġ{_word(number)}" for number in range(n_words)]
    return {name: number for number, name in enumerate([*names, *special])}


def _languages() -> list[str]:
    """Return the languages of Whisper, in its order, less the one that only large-v3 knows."""
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    return list(LANGUAGES)[:99]


def _word(number: int) -> str:
    """Return the number-th made-up word: syllables, so that noise can be read."""
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    word = ""
    while True:
        number, place = divmod(number, len(syllables))
        word += syllables[place]
        if number == 0:
            return word


def _tokenizer(tokens: dict[str, int]) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    plain = {name: number for name, number in tokens.items() if not name.startswith("<|")}
    tokenizer = Tokenizer(models.BPE(vocab=plain, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in tokens if name.startswith("<|")])
    return tokenizer
