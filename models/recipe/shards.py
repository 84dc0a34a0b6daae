"""Tokenise the training text once into flat uint16 files.

    python -m models.recipe.shards --data DATA --tokenizer models/reader --out WORK/tokens

For each category: `<category>.tokens` (uint16, documents one after another) and
`<category>.json` (document edges in tokens and names). Left out: the last 5 % of
the last shard of every category (held out for evaluation, see
`longdoc.evaluation.haystack`) and every document of which more than 30 % of the
long sentences stand in a document of a dev question. The counts are printed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from longdoc.evaluation.haystack import held_out_count
from longdoc.tokens import TextTokenizer
from models.recipe import corpus

MAX_OVERLAP = 0.3


def training_texts(data: Path, category: str) -> Iterator[corpus.Text]:
    """Yield the documents of a category without its held-out end."""
    if category == "code":
        yield from corpus.code_texts()
        return
    shards = sorted((data / "pretrain").glob(f"{category}-*.jsonl.xz"))
    for shard in shards:
        rows = list(corpus.read_rows(shard))
        if shard == shards[-1]:
            rows = rows[: len(rows) - held_out_count(len(rows))]
        for row in rows:
            yield corpus.Text(category, Path(row["path"]).name, row["text"])


def tokenise(data: Path, category: str, tokenizer_folder: Path, out: Path, max_bytes: int) -> dict[str, int]:
    """Write one category and return counts of documents, tokens and documents left out."""
    tokenizer = TextTokenizer.from_folder(tokenizer_folder)
    held_out = corpus.held_out_hashes(data) if category != "code" else set()
    edges, names, skipped, used_bytes = [0], [], 0, 0
    with (out / f"{category}.tokens").open("wb") as file:
        for item in training_texts(data, category):
            # A book is taken in pieces, so that a small budget still meets many books.
            text = item.text[:400_000]
            if held_out and corpus.overlap_share(text, held_out) > MAX_OVERLAP:
                skipped += 1
                continue
            ids = np.asarray(tokenizer.ids(text), dtype=np.uint16)
            file.write(ids.tobytes())
            edges.append(edges[-1] + len(ids))
            names.append(item.name)
            used_bytes += len(text)
            if used_bytes >= max_bytes:
                break
    (out / f"{category}.json").write_text(json.dumps({"edges": edges, "names": names}))
    return {"documents": len(names), "tokens": edges[-1], "left_out": skipped}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, default=Path("models/reader"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--max-bytes", type=int, default=10**12, help="characters a category at most")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(args.processes) as pool:
        jobs = {
            category: pool.submit(tokenise, args.data, category, args.tokenizer, args.out, args.max_bytes)
            for category in corpus.CATEGORIES
        }
        for category, job in jobs.items():
            print(category, json.dumps(job.result()), flush=True)


if __name__ == "__main__":
    main()
