"""What the bundled reader chooses for a summary: its quote for each section's question, after one whole reading.

The reader finds and quotes and writes no prose, so its quotes are taken and its answers
are not. Which of them stay is decided in `extract.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from longdoc.answer import Desk, How, ask
from longdoc.packing import Included
from longdoc.summarize.templates import SectionForm
from longdoc.summarize.write import added
from longdoc.types import Usage

Range = tuple[int, int]
_TAKEN = 3  # quotes of one answer


def pick(desk: Desk, item: Included, forms: Sequence[SectionForm], how: How) -> tuple[dict[str, list[Range]], Usage]:
    """Return the verified quotes of the reader by section, and what they cost.

    Raises PromptTooLong (nothing was read), ModelError, Stopped.
    """
    picks: dict[str, list[Range]] = {}
    usage = Usage()
    for form in forms:
        answer = ask(desk, [item], form.question, "single", replace(how, short=False))
        usage = added(usage, answer.usage)
        if answer.stop_reason == "not_stated":
            continue
        shown = [c for c in answer.citations if c.status == "verified" and c.document_id == item.document.id]
        picks[form.title] = [(c.start, c.end) for c in shown[:_TAKEN]]
    return picks, usage
