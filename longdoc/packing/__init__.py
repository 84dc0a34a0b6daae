"""Documents and a question to one prompt, every token traceable to its characters."""

from longdoc.packing.encoding import Encoder, KeptEncodings, encode_remembered
from longdoc.packing.fit import Choices, choices, fit
from longdoc.packing.included import (
    Included,
    Piece,
    PromptFrame,
    Range,
    checked_ranges,
    clipped,
    complement,
    pieces,
)
from longdoc.packing.omitted import omissions
from longdoc.packing.pack import chat_messages, pack, quotable

__all__ = [
    "Choices",
    "Encoder",
    "Included",
    "KeptEncodings",
    "Piece",
    "PromptFrame",
    "Range",
    "chat_messages",
    "checked_ranges",
    "choices",
    "clipped",
    "complement",
    "encode_remembered",
    "fit",
    "omissions",
    "pack",
    "pieces",
    "quotable",
]
