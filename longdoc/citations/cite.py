"""Citations of one answer, from three independent witnesses.

What attention read while the answer was written, the passages that were
retrieved, and words of the answer that code finds in the documents. Each is
mapped to exact characters; only words found by code make a citation `verified`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longdoc.citations.evidence import Attended, attended
from longdoc.citations.judge import judge
from longdoc.citations.locate import Match, exact, near
from longdoc.citations.merge import Scored, best_first
from longdoc.citations.narrow import narrow, shorten, units, whole
from longdoc.citations.place import MAX_CHARACTERS, citation, missing
from longdoc.citations.said import Said
from longdoc.citations.words import Range, content, overlap
from longdoc.types import Citation, CitationStatus, Document, Generation, Passage, Prompt

MAX_CITATIONS = 8
_ATTENDED = 12  # blocks of attention followed for one sentence of an answer; words decide their order
_SHOWN = 5  # places in all up to which those that only attention points at are shown
_SHORT_QUOTE = 40  # characters; a shorter quote is shown in its sentence
_EVERYWHERE = 200  # places of an answer's words from which on they tell nothing at all
_MANY = 20  # places of an answer's words from which on they tell nothing by themselves


@dataclass(frozen=True)
class Readable:
    """What of a document stood under one header (or several) of the prompt: the documents' ranges a model could see.

    A document may come in several of these, as the files of a code base do.
    """

    document: Document
    name: str
    ranges: tuple[Range, ...]
    numbers: frozenset[int] = frozenset()


def cite(
    said: Said,
    question: str,
    readable: Sequence[Readable],
    *,
    prompt: Prompt | None = None,
    generation: Generation | None = None,
    limit: int = MAX_CITATIONS,
) -> list[Citation]:
    """Return the citations of an answer given after reading whole documents, best first."""
    if said.not_stated or not said.text:
        return []
    documents = {item.document.id: item.document for item in readable}
    found: list[Scored] = []
    if prompt is not None and generation is not None:
        found += from_attention(said, question, readable, prompt, generation)
    found += from_quotes(said, question, readable, near_to=[scored.citation for scored in found])
    if not any(scored.citation.status == "verified" for scored in found):
        found += from_words(said, question, readable)
    return best_first(found, documents, limit, _SHOWN)


def from_attention(
    said: Said, question: str, readable: Sequence[Readable], prompt: Prompt, generation: Generation
) -> list[Scored]:
    """Return what attention read while each sentence was written, narrowed to the sentences that bear on it."""
    found: list[Scored] = []
    for part in said.parts:
        for read in attended(prompt, generation, part.tokens, _ATTENDED):
            item, within = _where(read, readable)
            if item is None:
                continue
            start, end = narrow(item.document, read.start, read.end, part.text, question, within)
            status: CitationStatus = judge(part.text, item.document.text[start:end]) or "attended"
            if status == "attended":
                # Nothing but attention points here, so all of what it read is shown, not one sentence of it.
                start, end = whole(item.document, read.start, read.end, part.text + " " + question, within)
            text = item.document.text[start:end]
            if not text.strip():
                continue
            # A block that attention only rests on shares no words with what was asked or said.
            weight = read.share * (1 + 2 * overlap(content(part.text) | content(question), text))
            found.append(Scored(citation(item.document, item.name, start, end, status, "attention"), weight))
    return found


def _where(read: Attended, readable: Sequence[Readable]) -> tuple[Readable | None, Range | None]:
    """Return what was under the eyes when a range was read, and which of its ranges that was."""
    for item in readable:
        if item.document.id == read.document_id:
            for within in item.ranges:
                if within[0] <= read.start < within[1]:
                    return item, within
    return None, None


def from_quotes(
    said: Said, question: str, readable: Sequence[Readable], near_to: Sequence[Citation] = ()
) -> list[Scored]:
    """Return where quoted words stand, nearly stand, or that they stand nowhere."""
    found: list[Scored] = []
    for quote in said.quotes:
        places = _exact_places(said, quote, question, readable, near_to)
        if places:
            found.append(places[0])
            continue
        close = _near_place(quote, readable)
        if close is not None:
            found.append(close)
            continue
        claimed = next((item.name for item in readable if said.document_number in item.numbers), "")
        found.append(Scored(missing(claimed, quote), 0.0))
    return found


def from_words(said: Said, question: str, readable: Sequence[Readable]) -> list[Scored]:
    """Return where a short answer stands word for word, in the sentences nearest to the question."""
    if not content(said.text) or len(said.text) > 200:
        return []
    asked = content(question)
    matches: list[tuple[Readable, Match]] = []
    for item in readable:
        matches += [(item, match) for match in exact(item.document.text, said.text.rstrip(".!? "), item.ranges)]
        if len(matches) > _EVERYWHERE:
            return []
    places: list[tuple[float, Readable, Range]] = []
    for item, match in matches:
        start, end = _sentence(item, match, said.text, question)
        places.append((overlap(asked, item.document.text[start:end]), item, (start, end)))
    if len(places) > _MANY:
        places = [place for place in places if place[0] > 0]
    places.sort(key=lambda place: -place[0])
    return [
        Scored(citation(item.document, item.name, start, end, "verified", "quote"), score)
        for score, item, (start, end) in places[:2]
    ]


def from_passages(
    said: Said | None, passages: Sequence[Passage], documents: dict[str, tuple[Document, str]], question: str = ""
) -> list[Scored]:
    """Return the passages given to the model, in the order given; words of the answer decide their status.

    A passage stays whole up to 1,000 characters, since it is what was read. Without `said`
    (nothing was answered) none is verified.
    """
    found: list[Scored] = []
    for rank, passage in enumerate(passages):
        document, name = documents[passage.document_id]
        wanted = " ".join([question, *((said.text, *said.quotes) if said else ())])
        start, end = _within_limit(document, passage, said, wanted)
        text = document.text[start:end]
        status: CitationStatus = "attended"
        if said is not None:
            if any(exact(text, quote) for quote in said.quotes):
                status = "verified"
            else:
                judged = [judge(part.text, text) for part in said.parts]
                status = "verified" if "verified" in judged else "fuzzy" if "fuzzy" in judged else "attended"
        found.append(Scored(citation(document, name, start, end, status, "retrieval"), 1.0 / (1 + rank)))
    return found


def cite_passages(
    said: Said, passages: Sequence[Passage], documents: dict[str, tuple[Document, str]], question: str
) -> list[Citation]:
    """Return the citations of a chunked answer: its passages, those with the answer's words first."""
    if said.not_stated or not said.text:
        return nearest(passages, documents, question)
    found = from_passages(said, passages, documents, question)
    for quote in said.quotes:
        if not any(exact(documents[p.document_id][0].text, quote, ((p.start, p.end),)) for p in passages):
            readable = [
                Readable(documents[p.document_id][0], documents[p.document_id][1], ((p.start, p.end),))
                for p in passages
            ]
            if _near_place(quote, readable) is None:
                found.append(Scored(missing("", quote), 0.0))
    return best_first(found, {i: document for i, (document, _) in documents.items()}, max(MAX_CITATIONS, len(passages)))


def nearest(
    passages: Sequence[Passage], documents: dict[str, tuple[Document, str]], question: str = ""
) -> list[Citation]:
    """Return passages as what comes nearest to a question that the documents do not answer; none is verified."""
    found = from_passages(None, passages, documents, question)
    return best_first(found, {i: document for i, (document, _) in documents.items()}, MAX_CITATIONS)


def _within_limit(document: Document, passage: Passage, said: Said | None, wanted: str) -> Range:
    if passage.end - passage.start <= MAX_CHARACTERS:
        return passage.start, passage.end
    for quote in said.quotes if said else ():
        for match in exact(document.text, quote, ((passage.start, passage.end),), 1):
            if match.end - match.start <= MAX_CHARACTERS:
                spare = MAX_CHARACTERS - (match.end - match.start)
                low = max(passage.start, match.start - spare // 2)
                return low, min(passage.end, low + MAX_CHARACTERS)
    return shorten(document.text, passage.start, passage.end, wanted)


def _exact_places(
    said: Said, quote: str, question: str, readable: Sequence[Readable], near_to: Sequence[Citation]
) -> list[Scored]:
    """Return exact places of a quote, best first: in the document it names, where attention was, early."""
    places: list[tuple[float, Scored]] = []
    for item in readable:
        for match in exact(item.document.text, quote, item.ranges):
            start, end = match.start, match.end
            if end - start < _SHORT_QUOTE:
                start, end = _sentence(item, match, said.text, question)
            elif end - start > MAX_CHARACTERS:
                start, end = shorten(item.document.text, start, end, said.text + " " + question)
            read = any(c.document_id == item.document.id and c.start < end and start < c.end for c in near_to)
            asked = overlap(content(question), item.document.text[start:end])
            score = 2.0 * (said.document_number in item.numbers) + 1.0 * read + asked
            made = citation(item.document, item.name, start, end, "verified", "quote")
            places.append((score, Scored(made, 10.0 + score)))
    return [scored for _, scored in sorted(places, key=lambda place: -place[0])]


def _near_place(quote: str, readable: Sequence[Readable]) -> Scored | None:
    best: tuple[Match, Readable] | None = None
    for items in _by_document(readable):
        ranges = [one for item in items for one in item.ranges]
        match = near(items[0].document.text, quote, ranges)
        if match and (best is None or match.likeness > best[0].likeness):
            best = match, items[0]
    if best is None:
        return None
    match, item = best
    start, end = shorten(item.document.text, match.start, match.end, quote)
    status: CitationStatus = "verified" if match.exact else "fuzzy"
    return Scored(citation(item.document, item.name, start, end, status, "quote"), 10.0 * match.likeness)


def _by_document(readable: Sequence[Readable]) -> list[list[Readable]]:
    """Return the entries of each document together."""
    groups: dict[str, list[Readable]] = {}
    for item in readable:
        groups.setdefault(item.document.id, []).append(item)
    return list(groups.values())


def _sentence(item: Readable, match: Match, answer: str, question: str) -> Range:
    """Return the sentence around a match, or the match where its sentence is too long."""
    within = next((r for r in item.ranges if r[0] <= match.start < r[1]), None)
    found = units(item.document, match.start, match.end, within)
    if found and found[-1][1] - found[0][0] <= MAX_CHARACTERS:
        return min(found[0][0], match.start), max(found[-1][1], match.end)
    return match.start, match.end
