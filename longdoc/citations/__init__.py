"""Citations: attention, passages and quoted words to verified ranges of documents."""

from longdoc.citations.cite import (
    MAX_CITATIONS,
    Readable,
    cite,
    cite_passages,
    from_attention,
    from_passages,
    from_quotes,
    from_words,
    nearest,
)
from longdoc.citations.judge import judge, quoted
from longdoc.citations.locate import exact, near
from longdoc.citations.narrow import by_line
from longdoc.citations.place import MAX_CHARACTERS, citation
from longdoc.citations.said import Part, Said, parts_of, reader_text, take_apart
from longdoc.citations.words import sentences

__all__ = [
    "MAX_CHARACTERS",
    "MAX_CITATIONS",
    "Part",
    "Readable",
    "Said",
    "by_line",
    "citation",
    "cite",
    "cite_passages",
    "exact",
    "from_attention",
    "from_passages",
    "from_quotes",
    "from_words",
    "judge",
    "near",
    "nearest",
    "parts_of",
    "quoted",
    "reader_text",
    "sentences",
    "take_apart",
]
