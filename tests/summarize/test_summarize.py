from __future__ import annotations

import threading

import numpy as np
import pytest

from longdoc.errors import Stopped, UserError
from longdoc.packing import Included
from longdoc.summarize import NONE_STATED, TEMPLATES
from longdoc.summarize.extract import extract
from longdoc.summarize.nouns import Section
from longdoc.summarize.rank import central, choose, cosine, vectors
from longdoc.summarize.templates import template
from longdoc.types import Document, Segment

LEASE = """This lease is made between Anna Berg, called the landlord, and Mara Quist, called the tenant.

The tenant shall pay a rent of 1,240 euros on the third day of each month.

Either party may terminate this lease by giving notice of 90 days.

Clause 4 is amended: the notice period is replaced by 30 days.

The landlord is liable for repairs of the roof and must insure the building.

The weather was fine.
"""

MEETING = (
    "Ann: Welcome everybody, we talk about the budget and the website today.",
    "Bo: We have decided to raise the budget for the website to 4,000 euros.",
    "Ann: Bo will send the new plan to the team by Friday.",
    "Bo: Who pays for the photographs?",
)


def included(text: str, segments: tuple[Segment, ...] = (), loader: str = "text") -> Included:
    return Included(Document("d", "s", "a", text, segments, loader=loader), "a", "m")


def meeting() -> Included:
    text, segments = "", []
    for number, line in enumerate(MEETING):
        start = len(text)
        text += line + "\n"
        segments.append(Segment(start, len(text), "utterance", f"00:00:0{number}", start_s=number, end_s=number + 1))
    return included(text, tuple(segments), "srt")


def by_title(sections: tuple[Section, ...]) -> dict[str, list[str]]:
    return {section.title: [item.text for item in section.items] for section in sections}


@pytest.mark.parametrize("name", sorted(TEMPLATES))
@pytest.mark.parametrize("item", [included(LEASE), meeting(), included("def a():\n    pass\n", loader="code")])
def test_every_item_stands_in_the_document_word_for_word(name: str, item: Included) -> None:
    sections = extract(item, template(name), threading.Event())
    assert [section.title for section in sections] == [form.title for form in TEMPLATES[name]]
    for section in sections:
        assert section.items
        for one in section.items:
            if one.text == NONE_STATED:
                assert one.citations == ()
                continue
            (citation,) = one.citations
            assert citation.status == "verified"
            assert item.document.text[citation.start : citation.end] == citation.quote
            assert " ".join(citation.quote.split()) == one.text


def test_clauses_of_a_contract_go_where_they_belong() -> None:
    found = by_title(extract(included(LEASE), template("contract"), threading.Event()))
    assert found["Parties and subject"][0].startswith("This lease is made between")
    assert found["Payments"] == ["The tenant shall pay a rent of 1,240 euros on the third day of each month."]
    assert "Either party may terminate this lease by giving notice of 90 days." in found["Term and notice"]
    assert found["Changes and amendments"] == ["Clause 4 is amended: the notice period is replaced by 30 days."]
    assert not any("weather" in text for texts in found.values() for text in texts)


def test_a_meeting_has_decisions_action_items_and_open_questions_with_their_time() -> None:
    sections = extract(meeting(), template("meeting"), threading.Event())
    found = by_title(sections)
    assert found["Decisions"] == [MEETING[1]]
    assert found["Action items"] == [MEETING[2]]
    assert found["Open questions"] == [MEETING[3]]
    assert sections[1].items[0].citations[0].start_s == 1.0


def test_what_is_not_there_is_said_to_be_none_stated() -> None:
    found = by_title(extract(included("The weather was fine all day.\n"), template("meeting"), threading.Event()))
    assert found["Decisions"] == found["Action items"] == found["Open questions"] == [NONE_STATED]


def test_stop_ends_a_summary() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        extract(included(LEASE), template("general"), stop)


def test_an_unknown_template_names_those_there_are() -> None:
    with pytest.raises(UserError, match=r"general, meeting, contract, codebase"):
        template("poem")


def slow_ranks(sentences: list[str]) -> list[float]:
    """LexRank written out: a walk over links of similarity, damped."""
    found = vectors(sentences)
    n = len(sentences)
    links = [
        [cosine(a, b) if i != j and cosine(a, b) >= 0.1 else 0.0 for j, b in enumerate(found)]
        for i, a in enumerate(found)
    ]
    rank = [1 / n] * n
    for _ in range(60):
        following = [0.15 / n] * n
        for i in range(n):
            total = sum(links[i])
            for j in range(n):
                following[j] += 0.85 * rank[i] * (links[i][j] / total if total else 1 / n)
        rank = following
    return [value / max(rank) for value in rank]


def test_centrality_is_that_of_the_paper_written_out() -> None:
    sentences = [
        "The harbour of the old town was rebuilt after the great storm.",
        "After the great storm the old harbour was closed for a year.",
        "The town paid for the harbour and for a new wall.",
        "A painter lived near the wall and kept three small birds.",
    ]
    np.testing.assert_allclose(central(sentences), slow_ranks(sentences), atol=1e-6)


def test_chosen_sentences_do_not_repeat_each_other_and_keep_the_order_of_the_text() -> None:
    sentences = ["The rent is 5 euros a month.", "Dogs are not allowed inside.", "The rent is 5 euros a month!"]
    assert choose([0.9, 0.5, 0.8], sentences, 2) == [0, 1]
    assert choose([0.0, 0.0, 0.0], sentences, 2) == []
