"""What a summary is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from longdoc.types import Citation, Omitted, Usage

NONE_STATED = "None stated"


@dataclass(frozen=True)
class Item:
    """One point with the places that show it."""

    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True)
class Section:
    """A titled list of points."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Summary:
    """A summary and how it was made: of the document's own sentences, or written by the model."""

    template: str
    method: Literal["extractive", "written"]
    model: str
    sections: tuple[Section, ...]
    usage: Usage
    omitted: tuple[Omitted, ...] = ()
    warnings: tuple[str, ...] = ()


def none_stated() -> tuple[Item, ...]:
    """Return what stands in a section for which the document has nothing."""
    return (Item(NONE_STATED),)
