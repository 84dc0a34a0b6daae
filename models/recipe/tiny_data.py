"""Write a small data folder of made text in the layout that the recipe reads.

    python -m models.recipe.tiny_data --out runs/tiny/data

Invented chronicles: people travel, trade and promise, with the facts of
`facts.py` among plain sentences of a small grammar. Enough to train a tiny
reader end to end on a bare clone; no text of others is in it.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
from pathlib import Path
from typing import Any

from models.recipe.facts import FactMaker

CATEGORIES = ("books", "docs", "encyclopaedic", "legal", "transcripts")
OPENINGS = ("In the morning", "Later that week", "After the rain", "Before the fair", "At noon", "In those years")
ACTIONS = (
    "walked along the old road", "opened the shutters", "read the letter twice", "waited for the ferry",
    "counted the sacks", "spoke of the harvest", "mended the fence", "wrote a short reply", "closed the account",
    "asked about the price", "looked over the harbour", "said nothing more about it",
)  # fmt: skip
ENDINGS = ("and went home", "without a word", "as was the custom", "and nobody objected", "until the bell rang", "")


def sentence(rng: random.Random, names: list[str]) -> str:
    """Return one plain sentence about one of the document's people."""
    text = f"{rng.choice(OPENINGS)} {rng.choice(names)} {rng.choice(ACTIONS)} {rng.choice(ENDINGS)}"
    return f"{text.strip()}."


def document(rng: random.Random, n_sentences: int) -> tuple[str, list[dict[str, Any]]]:
    """Return a text and its questions, with the answers' character offsets."""
    maker = FactMaker(rng)
    names = [maker.person() for _ in range(5)]
    text, rows = "", []
    for _ in range(n_sentences):
        if rng.random() < 0.25:
            fact = maker.fact()
            question, answer = rng.choice(fact.asked)
            start = len(text) + fact.statement.find(answer)
            rows.append(
                {
                    "question": question,
                    "answers": [answer],
                    "answer_start": start,
                    "evidence": [[len(text), len(text) + len(fact.statement)]],
                    "task": "extractive",
                    "written_by": "template",
                }
            )
            text += fact.statement
        else:
            text += sentence(rng, names)
        text += "\n\n" if rng.random() < 0.15 else " "
    return text.strip() + "\n", rows


def write(out: Path, n_documents: int = 120, n_sentences: int = 60, seed: int = 5) -> None:
    """Write `pretrain/` and `qa/` under `out`; the same arguments give the same bytes."""
    rng = random.Random(seed)
    for category in CATEGORIES:
        lines = []
        for index in range(n_documents):
            text, _ = document(rng, n_sentences)
            lines.append({"source": "made", "path": f"{category}-{index}.txt", "licence": "Apache-2.0", "text": text})
        _write_lines(out / "pretrain" / f"{category}-000.jsonl.xz", lines)
    for split, count in (("train", n_documents), ("dev", max(8, n_documents // 8))):
        documents, questions = _question_set(rng, split, count, n_sentences)
        _write_lines(out / "qa" / f"made_{split}.documents.jsonl.xz", documents)
        _write_lines(out / "qa" / f"made_{split}.{split}.jsonl.xz", questions)


def _question_set(
    rng: random.Random, split: str, count: int, n_sentences: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    documents, questions = [], []
    for index in range(count):
        text, rows = document(rng, n_sentences)
        name = f"made-{split}-{index}"
        documents.append(
            {
                "document_id": name,
                "title": f"Chronicle {index}",
                "source": "made",
                "licence": "Apache-2.0",
                "text": text,
            }
        )
        for number, row in enumerate(rows):
            questions.append({"id": f"{name}-{number}", "source": "made", "document_id": name, **row})
    return documents, questions


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with lzma.open(path, "wt", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a small data folder of made text.")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    write(args.out)


if __name__ == "__main__":
    main()
