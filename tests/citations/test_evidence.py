from __future__ import annotations

from longdoc.citations.evidence import attended
from longdoc.types import Generation, Prompt, Region, Usage


def prompt() -> Prompt:
    """Two documents of 100 tokens, each token two characters wide, a header of ten tokens before each."""
    regions, at = [], 0
    for identity in ("a", "b"):
        regions.append(Region("system", (at, at + 10), identity))
        chars = tuple((2 * i, 2 * i + 2) for i in range(100))
        regions.append(Region("document", (at + 10, at + 110), identity, 0, chars))
        at += 110
    return Prompt((0,) * at, tuple(regions), (), at)


def generation(*rows: tuple[tuple[int, float], ...]) -> Generation:
    return Generation((1,) * len(rows), "", "end", Usage(), rows, 20)


def test_a_block_becomes_the_characters_of_its_tokens() -> None:
    (found,) = attended(prompt(), generation(((1, 0.5),)))
    assert (found.document_id, found.start, found.end, found.share) == ("a", 20, 60, 0.5)


def test_a_block_over_two_documents_gives_two_ranges_and_its_header_none() -> None:
    found = attended(prompt(), generation(((5, 0.4),)))  # tokens 100 to 120: ten of a, ten of b's header
    assert [(f.document_id, f.start, f.end, f.share) for f in found] == [("a", 180, 200, 0.2)]
    first = attended(prompt(), generation(((6, 0.4),)))  # tokens 120 to 140: b from its start
    assert [(f.document_id, f.start) for f in first] == [("b", 0)]


def test_neighbouring_blocks_are_joined_and_shares_added_up_over_tokens() -> None:
    found = attended(prompt(), generation(((1, 0.5), (2, 0.25)), ((1, 0.5), (4, 0.5))))
    assert [(f.start, f.end, round(f.share, 3)) for f in found] == [(20, 100, 0.625), (140, 180, 0.25)]


def test_only_the_tokens_of_a_sentence_count_for_it() -> None:
    rows = generation(((1, 1.0),), ((4, 1.0),))
    assert [f.start for f in attended(prompt(), rows, (0, 1))] == [20]
    assert [f.start for f in attended(prompt(), rows, (1, 2))] == [140]
    assert attended(prompt(), generation(), (0, 1)) == []


def test_no_more_blocks_are_followed_than_asked_for() -> None:
    rows = generation(tuple((block, 1.0 / (block + 1)) for block in (1, 3, 7, 9)))
    assert len(attended(prompt(), rows, limit=2)) == 2
