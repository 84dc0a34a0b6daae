from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.citations import Readable, cite, cite_passages, nearest, take_apart
from longdoc.citations.said import Part, Said
from longdoc.citations.words import content
from longdoc.formats import SPECIAL_TOKENS, SpecialIds
from longdoc.packing import Included, PromptFrame, pack
from longdoc.tokens import TextTokenizer
from longdoc.types import Citation, Document, Generation, Passage, Prompt, Segment, Usage

TOKENIZER = TextTokenizer.from_folder(Path(__file__).resolve().parents[2] / "models" / "reader")
SPECIAL = SpecialIds(*(TOKENIZER.special_id(token) or 0 for token in SPECIAL_TOKENS))
FRAME = PromptFrame("reader", (SPECIAL.bos,), (SPECIAL.answer,), SPECIAL)

FILLER = "The weather was mild and the harbour lay quiet under grey clouds for the whole of that week. " * 12
EVIDENCE = "The tenant must give notice of thirty days before leaving."
AMENDED = "Clause 7 is replaced by a notice of ninety days."
LEASE_PAGES = (FILLER, FILLER + EVIDENCE + " " + FILLER, AMENDED + " " + FILLER)


def lease() -> Document:
    text, segments = "", []
    for number, page in enumerate(LEASE_PAGES, 1):
        segments.append(Segment(len(text), len(text) + len(page), "page", f"p. {number + 3}", page=number))
        text += page
    return Document("lease", "s1", "lease.pdf", text, tuple(segments), loader="pdf")


def shop() -> Document:
    cart = "import tax\n\n\ndef order_total(items):\n    return round(sum(items), 2)\n"
    main = "from cart import order_total\n\nprint(order_total([1.005]))\n"
    segments = (
        Segment(0, len(cart), "file", "src/cart.py"),
        Segment(len(cart), len(cart + main), "file", "src/main.py"),
    )
    return Document("shop", "s2", "shop.zip", cart + main, segments, loader="codebase")


def meeting() -> Document:
    text = "Ann: We begin.\nBo: The budget is 4,000 euros.\n"
    segments = (
        Segment(0, 15, "utterance", "00:00:01", start_s=1.0, end_s=3.0),
        Segment(15, len(text), "utterance", "00:00:04", start_s=4.0, end_s=9.5),
    )
    return Document("meeting", "s3", "call.srt", text, segments, loader="srt")


def packed(*documents: Document) -> Prompt:
    return pack([Included(d, d.title, "m") for d in documents], "Q?", TOKENIZER, FRAME)


def readable(*documents: Document) -> list[Readable]:
    return [Readable(d, d.title, ((0, len(d.text)),), frozenset({i})) for i, d in enumerate(documents, 1)]


def generation(prompt: Prompt, document: Document, words: str, output: str = "x", share: float = 0.4) -> Generation:
    """A generation whose tokens all attended to the block that holds the middle of `words`."""
    at = document.text.index(words) + len(words) // 2
    ids = tuple(TOKENIZER.ids(output))
    for region in prompt.regions:
        if region.document_id == document.id and region.role == "document":
            for offset, (a, b) in enumerate(region.chars):
                if a <= at < b:
                    block = (region.tokens[0] + offset) // 64
                    return Generation(ids, output, "end", Usage(), tuple(((block, share),) for _ in ids))
    raise AssertionError("not in the prompt")


def said(text: str, *quotes: str, number: int | None = None) -> Said:
    return Said(text, (Part(text, (0, 1)),), quotes, number)


def assert_exact(citations: list[Citation], *documents: Document) -> None:
    by_id = {document.id: document for document in documents}
    for item in citations:
        if item.status != "not_found":
            assert by_id[item.document_id].text[item.start : item.end] == item.quote
            assert 0 < len(item.quote) <= 1000
    real = sorted((c.document_id, c.start, c.end) for c in citations if c.status != "not_found")
    assert all(a[0] != b[0] or a[2] <= b[1] for a, b in pairwise(real)), "two show the same words"


def test_attention_is_narrowed_to_the_sentence_that_holds_the_answer() -> None:
    document = lease()
    prompt = packed(document)
    found = cite(
        said("thirty days"),
        "What notice?",
        readable(document),
        prompt=prompt,
        generation=generation(prompt, document, EVIDENCE),
    )
    assert_exact(found, document)
    first = found[0]
    assert (first.quote, first.status, first.origin) == (EVIDENCE, "verified", "attention")
    assert (first.label, first.page) == ("p. 5", 2)


def test_a_place_that_attention_read_without_the_answers_words_is_not_verified() -> None:
    document = lease()
    prompt = packed(document)
    found = cite(
        said("fourteen weeks"),
        "What notice?",
        readable(document),
        prompt=prompt,
        generation=generation(prompt, document, EVIDENCE),
    )
    assert_exact(found, document)
    assert {c.status for c in found} == {"attended"}


def test_a_quote_of_the_reader_is_found_in_the_document_it_names() -> None:
    first, second = lease(), Document("copy", "s9", "copy.txt", "Preface.\n" + EVIDENCE + "\n", loader="text")
    found = cite(said("thirty days", EVIDENCE, number=2), "What notice?", readable(first, second))
    assert_exact(found, first, second)
    assert (found[0].source, found[0].quote, found[0].status) == ("copy.txt", EVIDENCE, "verified")
    assert (found[0].label, found[0].line_start, found[0].line_end) == ("line 2", 2, 2)


def test_a_quote_that_nearly_stands_is_fuzzy_and_one_that_does_not_is_not_found() -> None:
    document = lease()
    near = "The tenant has to give a notice of thirty days before leaving."
    absent = "The landlord repairs the roof every second year."
    found = cite(said("Soon after that", near, absent), "When?", readable(document))
    assert_exact(found, document)
    assert [(c.status, c.origin) for c in found] == [("fuzzy", "quote"), ("not_found", "quote")]
    assert found[1].quote == absent
    assert (found[1].start, found[1].end) == (0, 0)


def test_without_a_quote_the_answers_own_words_are_found_nearest_to_the_question() -> None:
    text = "Ninety days is a long time. " + FILLER + "The notice period of the tenant is ninety days. " + FILLER
    document = Document("d", "s", "a.txt", text)
    found = cite(said("ninety days"), "What is the tenant's notice period?", readable(document))
    assert found[0].quote == "The notice period of the tenant is ninety days."
    assert found[0].status == "verified"


def test_text_that_was_not_read_is_never_cited() -> None:
    document = lease()
    part = [Readable(document, document.title, ((0, len(FILLER)),))]
    found = cite(said("thirty days", EVIDENCE), "What notice?", part)
    assert [c.status for c in found] == ["not_found"]


def test_nothing_is_cited_for_a_question_the_documents_do_not_answer() -> None:
    document = lease()
    prompt = packed(document)
    evidence = generation(prompt, document, EVIDENCE)
    assert cite(said("Not stated."), "Who?", readable(document), prompt=prompt, generation=evidence) == []
    passages = [Passage("lease", 0, 300, document.text[:300])]
    offered = nearest(passages, {"lease": (document, "lease.pdf")}, "Who?")
    assert [(c.status, c.origin) for c in offered] == [("attended", "retrieval")]


def test_code_is_cited_by_path_and_line_of_its_file() -> None:
    document = shop()
    prompt = packed(document)
    found = cite(
        said("print(order_total([1.005]))"),
        "Who calls it?",
        readable(document),
        prompt=prompt,
        generation=generation(prompt, document, "print("),
    )
    assert_exact(found, document)
    assert (found[0].label, found[0].line_start) == ("src/main.py:3", 3)
    assert found[0].status == "verified"


def test_speech_is_cited_by_time() -> None:
    document = meeting()
    found = cite(said("4,000 euros"), "What is the budget?", readable(document))
    assert (found[0].label, found[0].start_s, found[0].end_s) == ("00:00:04", 4.0, 9.5)


def test_passages_stay_whole_and_those_with_the_answer_come_first() -> None:
    document = lease()
    at = document.text.index(EVIDENCE)
    passages = [Passage("lease", 0, 500, ""), Passage("lease", at - 100, at + 400, "")]
    found = cite_passages(said("thirty days", EVIDENCE), passages, {"lease": (document, "lease.pdf")}, "What notice?")
    assert_exact(found, document)
    assert [(c.status, c.origin) for c in found] == [("verified", "retrieval"), ("attended", "retrieval")]
    assert EVIDENCE in found[0].quote
    assert len(found[1].quote) >= 498


def test_a_long_passage_is_cited_around_the_words_that_matter() -> None:
    text = FILLER * 3 + EVIDENCE + " " + FILLER * 3
    document = Document("d", "s", "a.txt", text)
    (found,) = cite_passages(
        said("thirty days"), [Passage("d", 0, len(text), "")], {"d": (document, "a.txt")}, "Notice?"
    )
    assert_exact([found], document)
    assert EVIDENCE in found.quote


@pytest.mark.parametrize(
    ("output", "text", "quotes", "number"),
    [
        ("[2]<|quote|> Rent is 5 euros.<|then|> 5 euros<|end|>", "5 euros", ("Rent is 5 euros.",), 2),
        (" Mara Quist<|end|>", "Mara Quist", (), None),
        (" Not stated.<|end|>", "Not stated.", (), None),
        ("[1]<|quote|> Bay 14.<|end|>", "Bay 14.", ("Bay 14.",), 1),
    ],
)
def test_what_the_reader_wrote_is_taken_apart(
    output: str, text: str, quotes: tuple[str, ...], number: int | None
) -> None:
    ids = TOKENIZER._tokenizer.encode(output, add_special_tokens=False).ids
    result = take_apart(Generation(tuple(ids), "", "end", Usage()), TOKENIZER, SPECIAL)
    assert (result.text, result.quotes, result.document_number) == (text, quotes, number)
    assert result.not_stated == (text == "Not stated.")


def test_sentences_of_a_free_answer_know_the_tokens_that_wrote_them() -> None:
    output = "The notice is 30 days. It says “written notice only”."
    ids = tuple(TOKENIZER.ids(output))
    result = take_apart(Generation(ids, output, "end", Usage()), TOKENIZER, None)
    assert result.quotes == ("written notice only",)
    assert [part.text for part in result.parts] == ["The notice is 30 days.", "It says “written notice only”."]
    for part in result.parts:
        assert part.text in TOKENIZER.decode(ids[part.tokens[0] : part.tokens[1]])
    assert result.parts[0].tokens[1] <= result.parts[1].tokens[0] + 1


def test_a_page_that_a_sentence_runs_over_is_named_with_the_next() -> None:
    document = lease()
    at = document.segments[1].end
    passages = [Passage("lease", at - 50, at + 50, "")]
    (found,) = nearest(passages, {"lease": (document, "lease.pdf")})
    assert found.label == "p. 5 to p. 6"
    assert found.page == 2


PIECES = st.sampled_from(
    ["The tenant pays 5 euros. ", "Notice is 30 days!\n", "x = 1\n", "\n\n", "é😀 ", "word " * 60, "A. ", "1. item\n"]
)


@given(
    texts=st.lists(st.lists(PIECES, min_size=1, max_size=25).map("".join), min_size=1, max_size=3),
    rows=st.lists(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 1)), max_size=6).map(tuple), max_size=4),
    output=st.sampled_from(["5 euros", "Notice is 30 days!", "", "never said", "“tenant pays 5 euros” and more. Yes."]),
    loader=st.sampled_from(["text", "code", "pdf"]),
)
@settings(max_examples=80, deadline=None)
def test_whatever_was_read_and_said_every_citation_shows_what_stands_there(
    texts: list[str], rows: list[tuple[tuple[int, float], ...]], output: str, loader: str
) -> None:
    documents = [Document(f"d{n}", "s", f"{n}", text, loader=loader) for n, text in enumerate(texts) if text.strip()]
    if not documents:
        return
    prompt = packed(*documents)
    ids = tuple(TOKENIZER.ids(output))[: len(rows)]
    made = Generation(ids, output, "end", Usage(), tuple(rows))
    said = take_apart(made, TOKENIZER, None)
    found = cite(said, "What does the tenant pay?", readable(*documents), prompt=prompt, generation=made)
    assert_exact(found, *documents)
    assert len(found) <= 8
    for item in found:
        if item.status == "verified":
            assert content(item.quote) & content(output)
