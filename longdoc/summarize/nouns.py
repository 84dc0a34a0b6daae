"""What a summary is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from longdoc.types import Citation, Omitted, Usage

NONE_STATED = "None stated"
Method = Literal["extractive", "written"]
Way = Literal["single", "chunked", "extractive"]  # whole in one pass; part by part; without any model
Chooser = Literal["reader", "rank"]  # who chose an extractive item: the bundled reader, or centrality and cues


@dataclass(frozen=True)
class Item:
    """One point with the places that show it. `owner` and `due` belong to tasks and are "" where nobody says them."""

    text: str
    citations: tuple[Citation, ...] = ()
    owner: str = ""
    due: str = ""
    chosen_by: tuple[Chooser, ...] = ()

    @property
    def stated(self) -> bool:
        """Say whether this is a point at all, not the words for "nothing"."""
        return self.text != NONE_STATED

    @property
    def supported(self) -> bool:
        """Say whether the document shows the point: a quote found there, or attention that read there."""
        return any(citation.status != "not_found" for citation in self.citations)

    @property
    def start_s(self) -> float | None:
        """Return when the point is said, in a recording."""
        return next((c.start_s for c in self.citations if c.status != "not_found" and c.start_s is not None), None)


@dataclass(frozen=True)
class Section:
    """A titled list of points. `tasks`: each has an owner and a due date, or lacks them."""

    title: str
    items: tuple[Item, ...]
    tasks: bool = False


@dataclass(frozen=True)
class Summary:
    """A summary and how it was made: of the document's own sentences, or written by the model."""

    template: str
    method: Method
    model: str
    sections: tuple[Section, ...]
    usage: Usage
    omitted: tuple[Omitted, ...] = ()
    warnings: tuple[str, ...] = ()
    way: Way = "single"
    parts: int = 1  # into how many the document was cut


def none_stated() -> tuple[Item, ...]:
    """Return what stands in a section for which the document has nothing."""
    return (Item(NONE_STATED),)
