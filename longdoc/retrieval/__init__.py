"""Chunk and retrieve: passages along the structure of a text, found by words and, where possible, by meaning.

structure.py   where a text may be cut
chunk.py       passages, as the index stores them
terms.py       the words of a question as the index knows them
index.py       FTS5 and vectors; candidates, fusion
windows.py     where exactly to cite, and in which order
embed.py       an optional embedding model
"""

from longdoc.retrieval.chunk import MAX_CHARACTERS, about_tokens, chunks
from longdoc.retrieval.embed import Embedder, find_embedder
from longdoc.retrieval.index import Index, in_document_order

__all__ = ["MAX_CHARACTERS", "Embedder", "Index", "about_tokens", "chunks", "find_embedder", "in_document_order"]
