"""Map-reduce, for comparison with a single pass: each part by itself, then the parts' points together.

Every part is accounted for: one that could not be summarised, and points that the last
step did not take up, are listed. Parts end at utterances, paragraphs or pages and
together hold the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from longdoc.answer import Desk, How, Kit
from longdoc.citations import citation
from longdoc.citations.words import content
from longdoc.errors import LongDocError, Stopped
from longdoc.files import sha256_text
from longdoc.packing import Included, omissions
from longdoc.summarize.extract import extract, units
from longdoc.summarize.nouns import Item, Section, Summary, none_stated
from longdoc.summarize.templates import SectionForm
from longdoc.summarize.write import added, section
from longdoc.types import Document, Omitted, Progress, Usage

PART_TOKENS = 2_000
_CHARACTERS_PER_TOKEN = 4
_NUMBERS = re.compile(r"[\[(]\s*(\d+(?:\s*[,;]\s*\d+)*)\s*[\])]")

Range = tuple[int, int]


def parts(item: Included, characters: int = PART_TOKENS * _CHARACTERS_PER_TOKEN) -> list[Included]:
    """Return consecutive parts of at most so many characters that together hold what is included.

    A single sentence or line that is longer is a part of its own.
    """
    whole = item.ranges if item.ranges is not None else ((0, len(item.document.text)),)
    found: list[Included] = []
    held: list[Range] = []
    for piece in (cut for one in whole for cut in _cuts(item, one)):
        if held and sum(b - a for a, b in held) + piece[1] - piece[0] > characters:
            found.append(_part(item, held))
            held = []
        if held and held[-1][1] == piece[0]:
            held[-1] = (held[-1][0], piece[1])
        else:
            held.append(piece)
    if held:
        found.append(_part(item, held))
    return found


def write_chunked(desk: Desk, kit: Kit, item: Included, name: str, forms: Sequence[SectionForm], how: How) -> Summary:
    """Return a summary that a model wrote part by part and then merged. Raises ModelError if no part could be read."""
    pieces = parts(item)
    usage = Usage()
    omitted: list[Omitted] = list(omissions([item]))
    warnings: list[str] = []
    by_section: dict[str, list[Item]] = {form.title: [] for form in forms}
    failed = 0
    for number, piece in enumerate(pieces, 1):
        desk.on_progress(Progress("reading", number - 1, len(pieces), text=f"part {number} of {len(pieces)}"))
        try:
            for form in forms:
                made = section(desk, kit, piece, form, how, keep=False)
                usage = added(usage, made.usage)
                warnings += made.warnings
                by_section[form.title] += made.items
                if made.stopped:
                    raise Stopped
        except Stopped:
            left = [_left_out(item, one, "stopped before it was read") for one in pieces[number - 1 :]]
            if number == 1:
                raise
            omitted += left
            break
        except LongDocError as error:
            failed += 1
            if failed == len(pieces):
                raise
            omitted.append(_left_out(item, piece, f"this part could not be summarised: {error.message}"))
    sections = []
    for form in forms:
        merged, cost, lost = _merge(desk, kit, item, form, by_section[form.title], how)
        usage = added(usage, cost)
        omitted += lost
        sections.append(Section(form.title, merged or none_stated(), form.tasks))
    told = tuple(dict.fromkeys(warnings))
    return Summary(
        name, "written", how.model, tuple(sections), usage, tuple(omitted), told, way="chunked", parts=len(pieces)
    )


def extract_chunked(desk: Desk, item: Included, name: str, forms: Sequence[SectionForm], how: How) -> Summary:
    """Return an extractive summary of what was chosen in each part by itself. Raises Stopped."""
    pieces = parts(item)
    chosen: dict[str, list[Range]] = {form.title: [] for form in forms}
    for number, piece in enumerate(pieces, 1):
        desk.on_progress(Progress("indexing", number - 1, len(pieces), text=f"part {number} of {len(pieces)}"))
        for made in extract(piece, forms, desk.stop):
            chosen[made.title] += [(c.start, c.end) for one in made.items for c in one.citations]
    sections = []
    for form in forms:
        places = sorted(set(chosen[form.title]))
        if not places:
            sections.append(Section(form.title, none_stated(), form.tasks))
            continue
        (made,) = extract(replace(item, ranges=tuple(places)), [form], desk.stop)
        sections.append(made)
    shown = [(c.start, c.end) for made in sections for one in made.items for c in one.citations]
    omitted = [
        _left_out(item, piece, "read; nothing of it is among the points chosen")
        for piece in pieces
        if not any(a < end and start < b for start, end in shown for a, b in piece.ranges or ())
    ]
    return Summary(
        name,
        "extractive",
        how.model,
        tuple(sections),
        Usage(),
        (*omissions([item]), *omitted),
        way="chunked",
        parts=len(pieces),
    )


def _merge(
    desk: Desk, kit: Kit, item: Included, form: SectionForm, found: Sequence[Item], how: How
) -> tuple[tuple[Item, ...], Usage, list[Omitted]]:
    """Return at most `form.most` points made of the parts' points, what that cost, and points not taken up."""
    distinct = _distinct(found)
    if len(distinct) <= form.most:
        return tuple(distinct), Usage(), []
    notes = "".join(f"[{n}] {_note(one)}\n" for n, one in enumerate(distinct, 1))
    document = Document(sha256_text("notes", notes), "", f"Notes on {item.name}", notes, loader="text")
    asked = replace(
        form,
        question=f"These are numbered notes from the parts of one document, in order. {form.question} Choose and merge "
        "the notes that matter most, and end each point with the numbers of its notes in square brackets.",
    )
    try:
        made = section(desk, kit, Included(document, document.title, item.marker), asked, how, keep=False)
    except LongDocError as error:
        if isinstance(error, Stopped):
            raise
        reason = f"the parts' points could not be merged: {error.message}"
        return tuple(distinct[: form.most]), Usage(), [_lost(item, form, one, reason) for one in distinct[form.most :]]
    merged = []
    used: set[int] = set()
    for one in made.items:
        numbers = [n for n in _numbers(one) if 1 <= n <= len(distinct)] or _like(one, distinct)
        used.update(numbers)
        sources = [distinct[n - 1] for n in numbers]
        cited = tuple(dict.fromkeys(c for source in sources for c in source.citations))[:3]
        owner = one.owner or next((s.owner for s in sources if s.owner), "")
        due = one.due or next((s.due for s in sources if s.due), "")
        merged.append(Item(_NUMBERS.sub("", one.text).strip(), cited, owner, due))
    lost = [one for n, one in enumerate(distinct, 1) if n not in used]
    reason = "not taken up when the parts were merged"
    return tuple(merged), made.usage, [_lost(item, form, one, reason) for one in lost]


def _numbers(one: Item) -> list[int]:
    return [int(n) for match in _NUMBERS.finditer(one.text) for n in re.findall(r"\d+", match[1])]


def _like(one: Item, others: Sequence[Item]) -> list[int]:
    """Return the number of the note that shares most of a point's words, if most of them are there."""
    wanted = content(one.text)
    shares = [len(wanted & content(other.text)) / max(len(wanted), 1) for other in others]
    best = max(range(len(others)), key=lambda n: shares[n], default=None)
    return [best + 1] if best is not None and shares[best] >= 0.5 else []


def _distinct(found: Sequence[Item]) -> list[Item]:
    """Return points without those that say the same words again."""
    kept: dict[frozenset[str], Item] = {}
    for one in found:
        kept.setdefault(frozenset(content(f"{one.owner} {one.text} {one.due}")), one)
    return list(kept.values())


def _note(one: Item) -> str:
    return " | ".join(part for part in (one.owner, one.text, one.due) if part)


def _lost(item: Included, form: SectionForm, one: Item, reason: str) -> Omitted:
    return Omitted(item.name, f"{form.title}: {one.text}", reason)


def _left_out(item: Included, piece: Included, reason: str) -> Omitted:
    return Omitted(item.name, piece.title or "a part", reason)


def _part(item: Included, ranges: Sequence[Range]) -> Included:
    where = citation(item.document, item.name, ranges[0][0], ranges[-1][1], "attended", "retrieval").label
    title = f"{item.name}, {where}" if where else item.name
    return replace(item, ranges=tuple(ranges), title=title)


def _cuts(item: Included, within: Range) -> list[Range]:
    """Return the text of a range cut before each of its sentences or lines, blank space with what precedes it."""
    starts = [a for a, _ in units(item.document, (within,))]
    edges = [within[0], *starts[1:], within[1]]
    return [(a, b) for a, b in pairwise(edges) if a < b]
