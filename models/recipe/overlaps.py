"""Find training text that stands in held-out text.

    python -m models.recipe.overlaps --data DATA --tokens WORK/tokens

Prints, per category, how many tokenised training documents share more than 30 %
of their long sentences with a document of a dev question (must be none, since
`shards.py` leaves them out) and how many dev questions of each set ask about a
document that train questions ask about too (must be none). Exit code 1 if any.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from longdoc.tokens import TextTokenizer
from models.recipe import corpus
from models.recipe.shards import MAX_OVERLAP


def shared_documents(data: Path) -> dict[str, int]:
    """Return for each set the number of documents asked about in both train and dev."""
    found = {}
    for name in corpus.question_sets(data):
        splits = [{row["document_id"] for row in corpus.questions(data, name, split)} for split in ("train", "dev")]
        found[name] = len(splits[0] & splits[1])
    return found


def overlapping_documents(data: Path, tokens: Path, tokenizer: TextTokenizer) -> dict[str, list[str]]:
    """Return for each category the names of training documents that overlap held-out ones."""
    held_out = corpus.held_out_hashes(data)
    found: dict[str, list[str]] = {}
    for category in corpus.CATEGORIES:
        path = tokens / f"{category}.json"
        if not path.exists():
            continue
        meta = json.loads(path.read_text())
        ids = np.memmap(tokens / f"{category}.tokens", dtype=np.uint16, mode="r")
        found[category] = [
            name
            for name, start, end in zip(meta["names"], meta["edges"], meta["edges"][1:], strict=False)
            if corpus.overlap_share(tokenizer.decode(ids[start:end].tolist()), held_out) > MAX_OVERLAP
        ]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Find training text that stands in held-out text.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokens", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, default=Path("models/reader"))
    args = parser.parse_args()
    sets = shared_documents(args.data)
    texts = overlapping_documents(args.data, args.tokens, TextTokenizer.from_folder(args.tokenizer))
    for name, count in sets.items():
        print(f"{name}: {count} documents in both train and dev")
    for category, names in texts.items():
        print(f"{category}: {len(names)} overlapping documents {names[:5] or ''}")
    return int(any(sets.values()) or any(texts.values()))


if __name__ == "__main__":
    sys.exit(main())
