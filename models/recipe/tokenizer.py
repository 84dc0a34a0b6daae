"""Train the reader's tokenizer: cased byte-level BPE, digits split singly.

    python -m models.recipe.tokenizer --data DATA --vocab-size 8192 --out models/reader

Equal bytes of every category go in, so that code and contracts cost about as
many tokens a byte as novels. The special tokens are those of `longdoc.formats`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from longdoc.formats import CHAT_TEMPLATE, SPECIAL_TOKENS
from models.recipe import corpus


def sample(texts: Iterator[corpus.Text], max_bytes: int) -> Iterator[str]:
    """Yield texts until `max_bytes` characters are out; a long text gives at most a tenth."""
    left = max_bytes
    for item in texts:
        piece = item.text[: min(left, max_bytes // 10)]
        left -= len(piece)
        yield piece
        if left <= 0:
            return


def train(texts: Iterator[str], vocab_size: int) -> Tokenizer:
    """Return a byte-level BPE tokenizer with the reader's special tokens first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path, max_length: int = 131_072) -> None:
    """Write `tokenizer.json`, `tokenizer_config.json` and the chat template, as `AutoTokenizer` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|bos|>",
        "eos_token": "<|end|>",
        "pad_token": "<|pad|>",
        "model_max_length": max_length,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with pretrain/ and qa/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vocab-size", type=int, default=8192)
    parser.add_argument("--bytes-per-category", type=int, default=6_000_000)
    args = parser.parse_args()
    pieces = (
        piece
        for category in corpus.CATEGORIES
        for piece in sample(corpus.texts(args.data, category), args.bytes_per_category)
    )
    save(train(pieces, args.vocab_size), args.out)


if __name__ == "__main__":
    main()
