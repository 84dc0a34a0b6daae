"""Summaries by template: sections of points, each with the place that shows it.

The bundled reader finds and quotes but does not write, so with it a summary is
made of the document's own sentences (`extract.py`), of which it chooses some
(`pick.py`), and says so. A chat model writes (`write.py`), and code checks what
it quotes. Single reads the whole at once; Chunked (`chunked.py`) is there to
compare with; extractive alone needs no model.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import get_args

from longdoc.answer import Desk, How, kit_of
from longdoc.errors import PromptTooLong, UserError
from longdoc.packing import Included, omissions
from longdoc.planning.memory import anonymous_bytes
from longdoc.summarize.chunked import extract_chunked, write_chunked
from longdoc.summarize.extract import extract
from longdoc.summarize.nouns import NONE_STATED, Item, Section, Summary, Way
from longdoc.summarize.pick import pick
from longdoc.summarize.templates import TEMPLATES, template
from longdoc.summarize.write import write
from longdoc.types import Usage

__all__ = ["NONE_STATED", "NO_PROSE", "TEMPLATES", "WAYS", "Item", "Section", "Summary", "Way", "summarize"]

WAYS: tuple[str, ...] = get_args(Way)
NO_PROSE = (
    "The bundled reader cannot write a summary in its own words. These are the document's own sentences, chosen by it "
    "and by LexRank; a larger model writes one."
)


def summarize(desk: Desk, item: Included, name: str, how: How, way: Way = "single") -> Summary:
    """Return a summary by the template `name`.

    Raises UserError for an unknown template or way, Stopped; with a model that writes also PromptTooLong, ModelError.
    """
    forms = template(name)
    if way not in WAYS:
        raise UserError(f"A summary cannot be made {way!r}.", next_step=f"Choose one of {', '.join(WAYS)}.")
    if way == "extractive":
        return _extractive(desk, item, name, how, way)
    kit = kit_of(desk.engine, how.model)
    if kit.frame is None or kit.frame.kind != "reader":
        return (write_chunked if way == "chunked" else write)(desk, kit, item, name, forms, how)
    return _extractive(desk, item, name, how, way)


def _extractive(desk: Desk, item: Included, name: str, how: How, way: Way) -> Summary:
    """Return a summary of the document's own sentences; the reader chooses some of them where it reads the whole."""
    forms = template(name)
    began = time.perf_counter()
    if way == "chunked":
        made = extract_chunked(desk, item, name, forms, how)
    else:
        picks: dict[str, list[tuple[int, int]]] = {}
        usage, warnings = Usage(), []
        if way == "single":
            try:
                picks, usage = pick(desk, item, forms, how)
            except PromptTooLong as error:
                warnings.append(f"The reader chose nothing: {error.message} LexRank read all of it.")
        sections = extract(item, forms, desk.stop, picks)
        omitted = tuple(omissions([item]))
        made = Summary(name, "extractive", how.model, sections, usage, omitted, tuple(warnings), way)
    spent = replace(made.usage, total_s=time.perf_counter() - began, peak_bytes=anonymous_bytes())
    return replace(made, usage=spent)
