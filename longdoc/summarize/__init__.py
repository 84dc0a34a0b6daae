"""Summaries by template: sections of points, each with the place that shows it.

The bundled reader finds and quotes but does not write, so with it a summary is
made of the document's own sentences (`extract.py`) and says so. A chat model
writes (`write.py`), and code checks what it quotes.
"""

from __future__ import annotations

import time

from longdoc.answer import Desk, How, kit_of
from longdoc.packing import Included, omissions
from longdoc.planning.memory import anonymous_bytes
from longdoc.summarize.extract import extract
from longdoc.summarize.nouns import NONE_STATED, Item, Section, Summary
from longdoc.summarize.templates import TEMPLATES, template
from longdoc.summarize.write import write
from longdoc.types import Usage

__all__ = ["NONE_STATED", "TEMPLATES", "Item", "Section", "Summary", "summarize"]


def summarize(desk: Desk, item: Included, name: str, how: How) -> Summary:
    """Return a summary by the template `name`.

    Raises UserError for an unknown template, Stopped; with a model that writes also PromptTooLong, ModelError.
    """
    forms = template(name)
    began = time.perf_counter()
    kit = kit_of(desk.engine, how.model)
    if kit.frame is None or kit.frame.kind != "reader":
        return write(desk, kit, item, name, forms, how)
    sections = extract(item, forms, desk.stop)
    usage = Usage(total_s=time.perf_counter() - began, peak_bytes=anonymous_bytes())
    return Summary(name, "extractive", how.model, sections, usage, tuple(omissions([item])))
