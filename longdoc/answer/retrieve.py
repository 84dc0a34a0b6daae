"""Passages for a chunked answer, and the nearest ones where the documents do not answer.

Passages go to the model in document order under a title that says where they
stand; citations keep the order of retrieval. What was not retrieved is listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from longdoc.citations import citation
from longdoc.errors import Stopped, StoreError
from longdoc.packing import Included, clipped, omissions
from longdoc.retrieval import Index, chunks, find_embedder, in_document_order
from longdoc.settings import Settings
from longdoc.types import Document, Omitted, Passage, Progress

if TYPE_CHECKING:
    from longdoc.answer.ask import Desk

_CHARACTERS_PER_TOKEN = 4
_SPARE = 4  # times as many passages are asked for where a part of a document was chosen


@dataclass(frozen=True)
class Found:
    """What retrieval found: passages best first, the same as prompts take them, and what stays unread."""

    passages: tuple[Passage, ...]
    included: tuple[Included, ...]
    omitted: tuple[Omitted, ...]


def retrieve(desk: Desk, included: Sequence[Included], question: str, top_k: int) -> Found:
    """Return the best passages of the documents within their chosen parts. Raises Stopped."""
    by_id = {item.document.id: item for item in included}
    partial = any(item.ranges is not None for item in included)
    with closing(_index(desk, [item.document for item in by_id.values()])) as index:
        found = index.search(question, list(by_id), top_k * _SPARE if partial else top_k)
    passages = [passage for passage in found if _inside(passage, by_id[passage.document_id])][:top_k]
    ordered = in_document_order(passages, list(by_id))
    return Found(
        tuple(passages),
        tuple(passage_included(by_id[passage.document_id], passage) for passage in ordered),
        tuple(_unread(included, passages)),
    )


def passage_included(item: Included, passage: Passage) -> Included:
    """Return a passage as a prompt takes it, titled by source and place."""
    label = citation(item.document, item.name, passage.start, passage.end, "attended", "retrieval").label
    title = f"{item.name}, {label}" if label else item.name
    return Included(item.document, item.name, item.marker, ((passage.start, passage.end),), title=title)


def count(text: str) -> int:
    """Return about how many tokens a text has, the same for every model, so that one index serves all."""
    return len(text) // _CHARACTERS_PER_TOKEN + 1


def _index(desk: Desk, documents: Sequence[Document]) -> Index:
    """Return an index that holds the documents: the library's, or one in memory where it cannot be written."""
    embedder = find_embedder(desk.settings)
    if desk.library is not None:
        try:
            index = Index(desk.library, embedder=embedder)
            desk.library.require_documents([document.id for document in documents])
            _fill(desk, index, documents)
            return index
        except StoreError:
            pass  # read-only, full, or documents that could not be kept: passages live as long as this question
    index = Index(embedder=embedder)
    _fill(desk, index, documents)
    return index


def _fill(desk: Desk, index: Index, documents: Sequence[Document]) -> None:
    missing = [document for document in documents if not index.has(document.id)]
    for done, document in enumerate(missing):
        if desk.stop.is_set():
            raise Stopped
        desk.on_progress(Progress("indexing", done, len(missing), text=document.title))
        add_passages(index, document, desk.settings)


def add_passages(index: Index, document: Document, settings: Settings) -> None:
    """Cut a document into passages and index them. Raises StoreError."""
    index.add(document, chunks(document, count, settings.passage_tokens))


def _inside(passage: Passage, item: Included) -> bool:
    """Say whether a passage lies wholly within the chosen part of its document."""
    if item.ranges is None:
        return True
    kept = clipped(item.ranges, (passage.start, passage.end))
    return sum(b - a for a, b in kept) == passage.end - passage.start


def _unread(included: Sequence[Included], passages: Sequence[Passage]) -> list[Omitted]:
    """Return what a chunked answer does not read of each document."""
    result: list[Omitted] = []
    for item in included:
        total = len(item.document.text)
        own = [p for p in passages if p.document_id == item.document.id]
        read = sum(p.end - p.start for p in own)
        if not own:
            result.append(Omitted(item.name, "everything", "no passage of it was retrieved"))
        elif read < total:
            count = "1 passage" if len(own) == 1 else f"{len(own)} passages"
            share = 100 * (total - read) / total
            result.append(Omitted(item.name, f"{share:.1f} % of the text", f"only {count} retrieved"))
    return [*result, *(entry for entry in omissions(included) if entry.reason not in _PARTS)]


_PARTS = frozenset({"left out by choice", "given as outline"})
