from __future__ import annotations

from longdoc.citations.merge import Scored, best_first
from longdoc.citations.place import citation
from longdoc.types import CitationOrigin, CitationStatus, Document

DOCUMENT = Document("d", "s", "a.txt", "abcdefghij" * 500)
DOCUMENTS = {"d": DOCUMENT}


def scored(
    start: int, end: int, status: CitationStatus = "attended", score: float = 1.0, origin: CitationOrigin = "attention"
) -> Scored:
    return Scored(citation(DOCUMENT, "a.txt", start, end, status, origin), score)


def ranges(found: list[Scored], limit: int = 8, attended: int | None = None) -> list[tuple[int, int, str]]:
    return [(c.start, c.end, c.status) for c in best_first(found, DOCUMENTS, limit, attended)]


def test_verified_comes_before_close_before_read_and_the_surer_first() -> None:
    found = [scored(0, 3), scored(100, 103, "fuzzy"), scored(200, 203, "verified", 0.1), scored(300, 303, score=2.0)]
    assert [status for _, _, status in ranges(found)] == ["verified", "fuzzy", "attended", "attended"]
    assert ranges(found)[2][0] == 300


def test_of_two_that_overlap_the_better_stays() -> None:
    assert ranges([scored(0, 16, "attended"), scored(4, 8, "verified")]) == [(4, 8, "verified")]


def test_two_alike_that_overlap_become_one_if_it_is_short_enough() -> None:
    assert ranges([scored(0, 16), scored(12, 33)]) == [(0, 33, "attended")]
    assert ranges([scored(0, 799, score=2.0), scored(697, 1496)]) == [(0, 799, "attended")]


def test_what_is_left_of_an_overlapping_passage_stays_without_claiming_to_be_verified() -> None:
    found = [
        scored(0, 900, "verified", 2.0, "retrieval"),
        scored(799, 1700, "verified", 1.0, "retrieval"),
        scored(850, 1000, "attended", 0.5, "retrieval"),
    ]
    assert ranges(found) == [(0, 900, "verified"), (900, 1700, "attended")]


def test_places_that_were_only_read_fill_up_to_a_number_and_claims_come_last() -> None:
    from longdoc.citations.place import missing

    found = [scored(n * 100, n * 100 + 3, score=1 / (n + 1)) for n in range(7)]
    found += [Scored(missing("a.txt", "no such words"), 0.0), Scored(missing("a.txt", "no such words"), 0.0)]
    assert [s for _, _, s in ranges(found, 8, 5)] == ["attended"] * 5 + ["not_found"]
    verified = [scored(n * 100, n * 100 + 3, "verified") for n in range(6)]
    assert [s for _, _, s in ranges([*verified, scored(1000, 1003)], 8, 5)] == ["verified"] * 6
