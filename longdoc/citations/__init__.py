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
from longdoc.citations.judge import judge
from longdoc.citations.locate import exact, near
from longdoc.citations.place import MAX_CHARACTERS, citation
from longdoc.citations.said import Part, Said, take_apart

__all__ = [
    "MAX_CHARACTERS",
    "MAX_CITATIONS",
    "Part",
    "Readable",
    "Said",
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
    "take_apart",
]
