"""For every file type: what is cited stands in the source at the offsets given, from every witness."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bench import MODEL, Bench
from file_makers import FACT, MAKERS

from longdoc.answer import How, ask
from longdoc.packing import Included
from longdoc.sources import FORMATS
from longdoc.types import Answer, Mode

QUESTION = "What notice must the tenant give?"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("formats") / "home")
    bench.model.script = {QUESTION: f"[1]<|quote|> {FACT}<|then|> thirty days<|end|>", "Words?": " thirty days<|end|>"}
    bench.model.attends = {"Words?": "thirty days"}
    yield bench
    bench.close()


@pytest.fixture(scope="module", params=sorted(MAKERS))
def item(request: pytest.FixtureRequest, shared: Bench, tmp_path_factory: pytest.TempPathFactory) -> Included:
    name, make = MAKERS[request.param]
    path = tmp_path_factory.mktemp("file") / name
    make(path)
    return shared.add(path)


def test_every_format_has_a_sample_here() -> None:
    # What is heard and not read is asked in test_recording.py.
    assert {name.split()[0] for name in MAKERS} == {name for name, row in FORMATS.items() if not row.own_child}


def assert_in_source(answer: Answer, item: Included, shared: Bench) -> None:
    text = shared.library.document(item.document.id).text
    assert answer.citations
    for citation in answer.citations:
        assert text[citation.start : citation.end] == citation.quote != ""
        assert len(citation.quote) <= 1000
        assert citation.source == item.name
        if citation.line_start is not None and citation.line_end is not None:
            files = [s for s in item.document.segments if s.kind == "file" and s.start <= citation.start < s.end]
            lines = text[files[0].start if files else 0 :].split("\n")
            first, last = citation.quote.split("\n")[0], citation.quote.split("\n")[-1]
            assert first in lines[citation.line_start - 1]
            assert last in lines[citation.line_end - 1]


@pytest.mark.parametrize("mode", ["single", "chunked"])
def test_a_quote_is_verified_where_it_stands(item: Included, shared: Bench, mode: Mode) -> None:
    answer = ask(shared.desk, [item], QUESTION, mode, shared.how)
    assert_in_source(answer, item, shared)
    assert answer.text == "thirty days"
    assert answer.citations[0].status == "verified"
    assert " ".join(FACT.split()) in " ".join(answer.citations[0].quote.split())


def test_attention_is_narrowed_to_the_words_that_were_read(item: Included, shared: Bench) -> None:
    answer = ask(shared.desk, [item], "Words?", "single", How(MODEL, short=False))
    assert_in_source(answer, item, shared)
    first = answer.citations[0]
    assert (first.status, first.origin) == ("verified", "attention")
    assert "thirty days" in first.quote


def test_places_are_named_as_people_name_them(item: Included, shared: Bench) -> None:
    answer = ask(shared.desk, [item], QUESTION, "single", shared.how)
    first = answer.citations[0]
    expected = {
        "pdf": ("p. 2", 2, None),
        "text": ("line 3", None, 3),
        "code": ("house.py:5", None, 5),
        "codebase": ("src/notice.py:2", None, 2),
    }
    kind = item.document.loader
    if kind in expected:
        label, page, line = expected[kind]
        assert first.label.endswith(label)
        assert (first.page, first.line_start) == (page, line)
    if kind in ("srt", "vtt"):
        assert (first.start_s, first.end_s) == (65.0, 69.5)
    assert first.label
