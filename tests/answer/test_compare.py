from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench import Bench, Scripted

from longdoc.compare import ask_each, compare, differences, share_read
from longdoc.errors import ModelError, PromptTooLong, UserError
from longdoc.types import Answer, Citation, Document, Passage

FACT = "The tenant must give thirty days of written notice."
AMENDED = "Clause nine is replaced: ninety days of notice apply from May."
FILLER = "The harbour lay quiet under grey clouds and nobody spoke for a long while. " * 30


def test_three_ways_are_asked_in_turn_and_what_each_read_is_told(bench: Bench, tmp_path: Path) -> None:
    item = bench.write(tmp_path / "lease.txt", f"{FACT}\n\n{FILLER}\n\n{AMENDED}\n")
    question = "What notice must the tenant give?"
    bench.model.script[question] = f"[1]<|quote|> {AMENDED}<|then|> ninety days<|end|>"
    order: list[str] = []
    found = compare(bench.desk, [item], question, replace(bench.how, top_k=1), order.append)
    assert order == [answer.mode for answer in found.answers] == ["single", "chunked", "none"]
    assert found.share_read["single"] == 1.0
    assert 0 < found.share_read["chunked"] < 0.7
    assert found.share_read["none"] == 0.0


def test_evidence_that_one_way_never_read_is_a_difference(bench: Bench, tmp_path: Path) -> None:
    item = bench.write(tmp_path / "lease.txt", f"{FACT}\n\n{FILLER}\n\n{AMENDED}\n")
    text = item.document.text

    def answer(mode: str, quote: str, passages: tuple[Passage, ...] = ()) -> Answer:
        start = text.index(quote)
        cited = Citation(item.document.id, "lease.txt", "", start, start + len(quote), quote, "verified", "quote")
        return Answer("Q", mode, "Ninety days apply.", "end", "m", None, (cited,), (), passages)  # type: ignore[arg-type]

    passage = Passage(item.document.id, 0, len(FACT), FACT)
    single, chunked = answer("single", AMENDED), answer("chunked", FACT, (passage,))
    found = differences({"single": single, "chunked": chunked}, [item], {})
    assert [(d.mode, d.citation.quote, d.other_read_it) for d in found] == [
        ("chunked", FACT, True),
        ("single", AMENDED, False),
    ]
    assert found[1].claim == "Ninety days apply."
    assert differences({"single": single, "chunked": answer("chunked", AMENDED)}, [item], {}) == []


def test_a_way_that_does_not_fit_explains_itself_and_the_others_go_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "home", Scripted(window=2500))
    try:
        item = bench.write(tmp_path / "lease.txt", f"{FACT}\n\n{FILLER * 3}\n")
        how = replace(bench.how, window=2500, top_k=1)
        found = compare(bench.desk, [item], "What notice must the tenant give?", how)
        assert [answer.mode for answer in found.answers] == ["single", "chunked", "none"]
        assert isinstance(found.failed["single"], PromptTooLong)
        assert found.answers[0].stop_reason == "over_window"
        assert "over the window" in found.answers[0].text
        assert found.answers[1].citations
        assert "single" not in found.share_read
    finally:
        bench.close()


def test_if_every_way_fails_the_first_reason_is_raised(bench: Bench, tmp_path: Path) -> None:
    item = bench.write(tmp_path / "a.txt", f"{FACT}\n")
    with pytest.raises(ModelError):
        ask_each(bench.desk, [item], "What notice?", ["single", "none"], replace(bench.how, model="no-such-model"))
    with pytest.raises(UserError):
        compare(bench.desk, [item], "", bench.how)


def test_the_share_read_counts_chosen_parts_and_passages() -> None:
    from longdoc.packing import Included

    document = Document("d", "s", "a", "x" * 100)
    part = Included(document, "a", "m", ((0, 25),))
    single = Answer("q", "single", "", "end", "m", None)
    assert share_read(single, [part]) == 0.25
    chunked = replace(single, mode="chunked", passages=(Passage("d", 0, 10, "x" * 10),))
    assert share_read(chunked, [part]) == 0.1
