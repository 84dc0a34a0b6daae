"""Read the training text and question sets from a data folder.

The folder has the layout of its own MANIFEST.md: `pretrain/<category>-NNN.jsonl.xz`
with one document a line and `qa/<set>.{train,dev,documents}.jsonl.xz`. Source
code for training is taken from the Python standard library of the running
interpreter. Knows files and rows; tokens are left to `shards.py`.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CATEGORIES = ("books", "docs", "encyclopaedic", "legal", "transcripts", "code")


@dataclass(frozen=True)
class Text:
    """One whole training document."""

    category: str
    name: str
    text: str


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of one `.jsonl.xz` file."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def texts(data: Path, category: str) -> Iterator[Text]:
    """Yield the documents of a category, in stored (shuffled) order."""
    if category == "code":
        yield from code_texts()
        return
    for shard in sorted((data / "pretrain").glob(f"{category}-*.jsonl.xz")):
        for row in read_rows(shard):
            yield Text(category, Path(row["path"]).name, row["text"])


def code_texts(max_bytes: int = 60_000) -> Iterator[Text]:
    """Yield the Python standard library's own modules (PSF licence), tests left out.

    Order is by a hash of the name, so that any prefix is a fair sample.
    """
    root = Path(sysconfig.get_paths()["stdlib"])
    files = [
        path
        for path in root.rglob("*.py")
        if not {"site-packages", "test", "tests", "idlelib", "lib2to3"} & set(path.parts)
    ]
    for path in sorted(files, key=lambda p: hashlib.sha256(str(p.relative_to(root)).encode()).digest()):
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue
        if 400 <= len(text) <= max_bytes:
            yield Text("code", str(path.relative_to(root)), text)


def question_sets(data: Path) -> list[str]:
    """Return the names of all question sets, sorted."""
    return sorted(path.name.removesuffix(".documents.jsonl.xz") for path in (data / "qa").glob("*.documents.jsonl.xz"))


def questions(data: Path, name: str, split: str) -> list[dict[str, Any]]:
    """Return the rows of `qa/<name>.<split>.jsonl.xz`; an absent split is empty."""
    path = data / "qa" / f"{name}.{split}.jsonl.xz"
    return list(read_rows(path)) if path.exists() else []


def documents(data: Path, name: str) -> dict[str, dict[str, Any]]:
    """Return the documents of a question set by `document_id`."""
    return {row["document_id"]: row for row in read_rows(data / "qa" / f"{name}.documents.jsonl.xz")}


def sentence_hashes(text: str) -> set[int]:
    """Return 64-bit hashes of the sentences of at least 60 characters, case and spacing folded."""
    folded = re.sub(r"\s+", " ", text).lower()
    sentences = (part.strip() for part in re.split(r"(?<=[.!?])\s", folded))
    return {
        int.from_bytes(hashlib.blake2b(s.encode(), digest_size=8).digest(), "little") for s in sentences if len(s) >= 60
    }


def held_out_hashes(data: Path) -> set[int]:
    """Return sentence hashes of every document that a dev question asks about."""
    hashes: set[int] = set()
    for name in question_sets(data):
        wanted = {row["document_id"] for row in questions(data, name, "dev")}
        if wanted:
            for document_id, row in documents(data, name).items():
                if document_id in wanted:
                    hashes |= sentence_hashes(row["text"])
    return hashes


def overlap_share(text: str, held_out: set[int]) -> float:
    """Return the share of a text's long sentences that stand in held-out documents."""
    own = sentence_hashes(text)
    return len(own & held_out) / len(own) if own else 0.0
