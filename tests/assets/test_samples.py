"""The samples: made anew they are the same bytes, and every fact promised about them stands in what is read."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from assets.make_samples import samples
from assets.samples_src import lease
from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources import load
from longdoc.sources.pdf import rectangles
from longdoc.tokens import TextTokenizer
from longdoc.types import Document

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "assets" / "samples"
FACTS: dict[str, Any] = json.loads((FOLDER / "facts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Document]:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    names = ("lease.pdf", "annex.docx", "meeting.vtt", "shop.zip", "chronicle.txt")
    return {name: load(FOLDER / name, settings=settings)[1] for name in names}


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer.from_folder(ROOT / "models" / "reader")


def asked(name: str) -> list[Any]:
    return [pytest.param(row, id=row["question"]) for row in FACTS[name]["questions"] if row["answerable"]]


def test_the_generator_writes_the_committed_bytes() -> None:
    made = samples()
    assert {name for name in made if made[name] != (FOLDER / name).read_bytes()} == set()
    assert sum(map(len, made.values())) < 3_000_000


def test_the_command_writes_every_sample_to_any_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "assets.make_samples", "--out", str(tmp_path / "new")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {*samples(), "meeting.opus", "meeting.wav"}


def test_the_lease_has_sixty_pages_and_one_without_text(read: dict[str, Document]) -> None:
    document = read["lease.pdf"]
    labels = [page["label"] for page in document.details["pages"]]
    assert labels == ["i", "ii", "iii", "iv", *map(str, range(1, 57))]
    (warned,) = document.warnings
    assert (warned.code, warned.where) == ("no_text", "33")
    assert FACTS["lease.pdf"]["pages_without_text"] == [33]


def test_the_notice_period_and_its_amendment_stand_on_pages_12_and_47(read: dict[str, Document]) -> None:
    text = {s.page: read["lease.pdf"].text[s.start : s.end] for s in read["lease.pdf"].segments}
    assert "notice of ninety (90) days" in text[12]
    assert "thirty (30) days in place of ninety days" in text[47]
    (row,) = (row for row in FACTS["lease.pdf"]["questions"] if row["question"] == "What notice must the tenant give?")
    assert {place["page"] for place in row["evidence"]} == {12, 47}


@pytest.mark.parametrize("row", asked("lease.pdf"))
def test_evidence_stands_on_its_page_and_can_be_marked(row: dict[str, Any], read: dict[str, Document]) -> None:
    document = read["lease.pdf"]
    for place in row["evidence"]:
        (segment,) = (s for s in document.segments if s.page == place["page"])
        assert segment.label == place["label"]
        start = document.text.index(place["quote"], segment.start, segment.end)
        found = rectangles(document, start, start + len(place["quote"]))
        assert {mark.page for mark in found} == {place["page"]}
    assert any(answer in place["quote"] for answer in row["answers"] for place in row["evidence"])


@pytest.mark.parametrize("row", asked("annex.docx"))
def test_evidence_stands_in_the_annex(row: dict[str, Any], read: dict[str, Document]) -> None:
    assert all(place["quote"] in read["annex.docx"].text for place in row["evidence"])


def test_the_annex_has_two_headings_and_the_rents_of_the_lease(read: dict[str, Document]) -> None:
    document = read["annex.docx"]
    assert [s.label for s in document.segments] == ["Rent by year", "Other sums due each month"]
    assert "1 | 1 March 2024 | 28 February 2025 | 3,850" in document.text
    assert "In the first year the rent is 3,850 euros a month." in read["lease.pdf"].text


def test_the_locked_letter_opens_only_with_its_password(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(SourceError) as caught:
        load(FOLDER / "locked.pdf", settings=settings)
    assert caught.value.code == "encrypted"
    _, document = load(FOLDER / "locked.pdf", settings=settings, options={"password": FACTS["locked.pdf"]["password"]})
    assert "sealed envelope" in document.text


def test_the_shop_holds_what_a_checkout_holds(read: dict[str, Document]) -> None:
    tree = read["shop.zip"].details["tree"]
    counts = Counter(row["status"] for row in tree)
    assert counts["included"] == FACTS["shop.zip"]["source_files"] == 140
    assert counts["binary"] == counts["possible_secret"] == 1
    (secret,) = (row for row in tree if row["status"] == "possible_secret")
    assert {"path": secret["path"], "line": secret["line"]} == FACTS["shop.zip"]["secret"]
    statuses = {row["path"]: row["status"] for row in tree}
    assert statuses["node_modules/"] == statuses["build/"] == "ignored"
    assert sum(s.label.startswith("tests/") for s in read["shop.zip"].segments) == 28


@pytest.mark.parametrize("row", asked("shop.zip"))
def test_evidence_stands_at_its_path_and_line(row: dict[str, Any], read: dict[str, Document]) -> None:
    document = read["shop.zip"]
    for place in row["evidence"]:
        (segment,) = (s for s in document.segments if s.label == place["path"])
        lines = document.text[segment.start : segment.end].split("\n")
        assert place["quote"] in "\n".join(lines[place["line_start"] - 1 : place["line_end"]])


def test_every_caller_of_the_rounded_total_is_known(read: dict[str, Document]) -> None:
    document = read["shop.zip"]
    calling = {
        s.label
        for s in document.segments
        if "rounded_total(" in document.text[s.start : s.end] and not s.label.startswith("tests/")
    }
    assert {place["path"] for place in FACTS["shop.zip"]["questions"][0]["evidence"]} == calling


def test_the_source_files_of_the_shop_are_python_that_compiles(read: dict[str, Document]) -> None:
    document = read["shop.zip"]
    for segment in document.segments:
        compile(document.text[segment.start : segment.end], segment.label, "exec")


def test_the_meeting_lasts_six_minutes_and_is_silent_in_the_middle(read: dict[str, Document]) -> None:
    times = [(s.start_s, s.end_s) for s in read["meeting.vtt"].segments]
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(times))
    assert FACTS["meeting.vtt"]["duration_s"] == 360
    gap, silence = max((b[0] - a[1], (a[1], b[0])) for a, b in itertools.pairwise(times))
    assert 40 <= gap < 41
    assert silence == pytest.approx((160, 200), abs=1)
    assert times[-1][1] == pytest.approx(360, abs=1)


def test_the_meeting_has_three_decisions_and_two_actions() -> None:
    facts = FACTS["meeting.vtt"]
    assert len(facts["decisions"]) == 3
    assert [(action["owner"], action["due"]) for action in facts["actions"]] == [
        ("Hanne", "2 April"),
        ("Ruben", "27 March"),
    ]
    assert facts["speakers"] == ["Hanne", "Ruben"]


@pytest.mark.parametrize("row", asked("meeting.vtt"))
def test_evidence_is_said_at_its_time(row: dict[str, Any], read: dict[str, Document]) -> None:
    document = read["meeting.vtt"]
    for place in row["evidence"]:
        (segment,) = (s for s in document.segments if s.start_s == place["start_s"])
        assert place["quote"] in document.text[segment.start : segment.end]
        assert segment.end_s == place["end_s"]


def test_evidence_stands_at_its_offsets_in_the_chronicle(read: dict[str, Document]) -> None:
    document = read["chronicle.txt"]
    rows = [row for row in FACTS["chronicle.txt"]["questions"] if row["answerable"]]
    assert len(rows) == len({row["question"] for row in rows}) == 200
    for row in rows:
        (place,) = row["evidence"]
        assert document.text[place["start"] : place["end"]] == place["quote"]
        assert row["answers"][0] in place["quote"]
        (chapter,) = (s for s in document.segments if s.start <= place["start"] < s.end)
        assert chapter.label == place["chapter"]


def test_questions_that_a_sample_does_not_answer_have_no_evidence() -> None:
    for facts in FACTS.values():
        for row in facts.get("questions", ()):
            assert bool(row["evidence"]) == row["answerable"] == bool(row["answers"])


def test_samples_keep_to_their_token_budgets(read: dict[str, Document], tokenizer: TextTokenizer) -> None:
    assert tokenizer.count(read["lease.pdf"].text) < 16_000
    assert tokenizer.count(read["shop.zip"].text) + 12 * 140 < 24_000  # each file has a line with its path
    assert tokenizer.count(read["chronicle.txt"].text) > 100_000


def test_no_clause_of_the_lease_is_filler() -> None:
    paragraphs = [block for _, text in lease.pages() for block in text.split("\n") if len(block) > 40]
    assert [block for block, n in Counter(paragraphs).items() if n > 1] == []
