"""Word files: everything that stands on paper, in order, with exact sections."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources import load
from longdoc.sources.docx import load_docx
from longdoc.sources.docx_numbering import Numbering
from longdoc.sources.loaded import Loaded

W = nsdecls("w")


def save(path: Path, write: Callable[[Any], None]) -> Path:
    document = docx.Document()
    write(document)
    document.save(str(path))
    return path


def read(path: Path) -> Loaded:
    return load_docx(path, path.name, Settings(), lambda done, total, what: None, {})


def change_part(path: Path, part: str, change: Callable[[bytes], bytes], **added: str) -> Path:
    """Rewrite one part of a package; `added` members are written as well."""
    with zipfile.ZipFile(path) as old:
        members = {info.filename: old.read(info) for info in old.infolist()}
    members[part] = change(members[part])
    members.update({name: text.encode() for name, text in added.items()})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in members.items():
            new.writestr(name, data)
    return path


def test_headings_paragraphs_and_tables_stand_in_order(tmp_path: Path) -> None:
    def write(document: Any) -> None:
        document.add_heading("Rent", 1)
        document.add_paragraph("The rent is due monthly.")
        table = document.add_table(rows=2, cols=3)
        for row, values in zip(table.rows, [("Month", "Rent", "Due"), ("May", "1,240", "3 May")], strict=True):
            for cell, value in zip(row.cells, values, strict=True):
                cell.text = value
        document.add_heading("Deposit", 2)
        document.add_paragraph("Three months.")

    loaded = read(save(tmp_path / "a.docx", write))
    assert loaded.text == (
        "Rent\n\nThe rent is due monthly.\n\nMonth | Rent | Due\nMay | 1,240 | 3 May\n\nDeposit\n\nThree months."
    )
    assert [(loaded.text[s.start : s.end].split("\n")[0], s.label, s.level) for s in loaded.segments] == [
        ("Rent", "Rent", 1),
        ("Deposit", "Deposit", 2),
    ]
    assert loaded.segments[0].start == 0
    assert loaded.segments[-1].end == len(loaded.text)


def test_a_file_without_headings_has_no_segments(tmp_path: Path) -> None:
    loaded = read(save(tmp_path / "a.docx", lambda document: document.add_paragraph("Only text.")))
    assert loaded.text == "Only text."
    assert loaded.segments == ()


def test_text_in_content_controls_insertions_links_and_boxes_is_read(tmp_path: Path) -> None:
    def write(document: Any) -> None:
        body = document.element.body
        body.insert(
            0,
            parse_xml(
                f"<w:sdt {W}><w:sdtPr/><w:sdtContent><w:p><w:r><w:t>In a control.</w:t></w:r></w:p></w:sdtContent>"
                "</w:sdt>"
            ),
        )
        body.insert(
            1,
            parse_xml(
                f'<w:p {W}><w:r><w:t xml:space="preserve">Kept </w:t></w:r>'
                "<w:ins><w:r><w:t>inserted</w:t></w:r></w:ins><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>"
                "<w:hyperlink><w:r><w:t> linked</w:t></w:r></w:hyperlink>"
                "<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>In a box.</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>"
                "<w:r><w:tab/><w:t>tabbed</w:t><w:noBreakHyphen/><w:t>on</w:t></w:r></w:p>"
            ),
        )

    loaded = read(save(tmp_path / "a.docx", write))
    assert loaded.text == "In a control.\n\nKept inserted linked\ttabbed-on\n\nIn a box."
    assert [warned.code for warned in loaded.warnings] == ["tracked_changes"]


def test_text_marked_hidden_is_left_out_and_counted(tmp_path: Path) -> None:
    def write(document: Any) -> None:
        paragraph = document.add_paragraph("Seen")
        paragraph.add_run(" unseen").font.hidden = True

    loaded = read(save(tmp_path / "a.docx", write))
    assert loaded.text == "Seen"
    (warned,) = loaded.warnings
    assert warned.code == "invisible_text"
    assert warned.message.startswith("7 characters")


def test_list_numbers_are_worked_out(tmp_path: Path) -> None:
    def write(document: Any) -> None:
        for text in ("first", "second"):
            document.add_paragraph(text, style="List Number")
        document.add_paragraph("point", style="List Bullet")
        document.add_paragraph("third", style="List Number")

    assert read(save(tmp_path / "a.docx", write)).text == "1. first\n2. second\n- point\n3. third"


def test_footnotes_follow_their_paragraph_and_headers_come_once(tmp_path: Path) -> None:
    def write(document: Any) -> None:
        paragraph = document.add_paragraph("A claim.")
        paragraph._p.append(parse_xml(f'<w:r {W}><w:footnoteReference w:id="2"/></w:r>'))
        document.add_paragraph("Another.")
        document.sections[0].header.paragraphs[0].text = "Confidential, Harbour Trust"
        document.sections[0].footer.paragraphs[0].text = "Page 1 of 9"

    notes = (
        f'<w:footnotes {W}><w:footnote w:id="0" w:type="separator"><w:p><w:r><w:t>----</w:t></w:r></w:p></w:footnote>'
        '<w:footnote w:id="2"><w:p><w:r><w:t>See annex B.</w:t></w:r></w:p></w:footnote></w:footnotes>'
    )
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    link = f'<Relationship Id="rId99" Type="{kind}" Target="footnotes.xml"/></Relationships>'
    path = change_part(
        save(tmp_path / "a.docx", write),
        "word/_rels/document.xml.rels",
        lambda data: data.replace(b"</Relationships>", link.encode()),
        **{"word/footnotes.xml": notes},
    )
    assert read(path).text == "A claim.\n\nNote 1: See annex B.\n\nAnother.\n\nConfidential, Harbour Trust"


def test_comments_are_left_out_and_said(tmp_path: Path) -> None:
    def write(document: Any) -> None:
        paragraph = document.add_paragraph("The rent.")
        document.add_comment(paragraph.runs, text="too high?", author="M. Q.", initials="mq")

    loaded = read(save(tmp_path / "a.docx", write))
    assert loaded.text == "The rent."
    assert [warned.message for warned in loaded.warnings] == ["1 comment was left out."]


def test_tables_with_nested_and_merged_cells_give_one_line_a_row(tmp_path: Path) -> None:
    def write(document: Any) -> None:
        table = document.add_table(rows=2, cols=2)
        table.cell(0, 0).merge(table.cell(0, 1)).text = "Whole width"
        table.cell(1, 0).text = "Left"
        table.cell(1, 1).text = "Two\nlines"
        inner = table.cell(1, 1).add_table(rows=1, cols=2)
        inner.cell(0, 0).text, inner.cell(0, 1).text = "x", "y"

    assert read(save(tmp_path / "a.docx", write)).text == "Whole width\nLeft | Two lines x | y"


def numbering(levels: str, override: str = "") -> Numbering:
    return Numbering(
        parse_xml(
            f'<w:numbering {W}><w:abstractNum w:abstractNumId="1">{levels}</w:abstractNum>'
            f'<w:num w:numId="5"><w:abstractNumId w:val="1"/>{override}</w:num>'
            '<w:num w:numId="6"><w:abstractNumId w:val="1"/></w:num></w:numbering>'
        )
    )


def level(index: int, style: str, pattern: str, start: int = 1) -> str:
    counts = f'<w:start w:val="{start}"/><w:numFmt w:val="{style}"/><w:lvlText w:val="{pattern}"/>'
    return f'<w:lvl w:ilvl="{index}">{counts}</w:lvl>'


def test_levels_count_as_in_contracts() -> None:
    lists = numbering(level(0, "decimal", "%1.") + level(1, "decimal", "%1.%2") + level(2, "lowerLetter", "(%3)"))
    found = [lists.next("5", k) for k in (0, 1, 1, 2, 2, 1, 0, 1)]
    assert found == ["1.", "1.1", "1.2", "(a)", "(b)", "1.3", "2.", "2.1"]


def test_lists_of_one_definition_count_together_and_a_restart_counts_alone() -> None:
    lists = numbering(
        level(0, "upperRoman", "%1"), '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="4"/></w:lvlOverride>'
    )
    assert [lists.next("5", 0), lists.next("6", 0), lists.next("5", 0), lists.next("6", 0)] == ["IV", "I", "V", "II"]


@pytest.mark.parametrize(
    ("style", "number", "written"),
    [("lowerLetter", 28, "bb"), ("lowerRoman", 49, "xlix"), ("decimalZero", 7, "07"), ("chineseCounting", 3, "3")],
)
def test_numbers_are_written_in_the_style_of_the_list(style: str, number: int, written: str) -> None:
    assert numbering(level(0, style, "%1", start=number)).next("5", 0) == written


def test_a_list_that_is_defined_nowhere_has_no_number() -> None:
    assert numbering("").next("5", 0) == ""
    assert Numbering(None).next("5", 0) == ""


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: float) -> None:
    path = save(tmp_path / "a.docx", lambda document: document.add_paragraph("Text."))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(SourceError) as caught:
        load(path, settings=Settings(home=tmp_path))
    assert caught.value.code == "damaged"


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"\0" * 500, lambda data: b"", lambda data: b"<a/>"]
)
def test_a_damaged_main_part_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = save(tmp_path / "a.docx", lambda document: document.add_paragraph("Text."))
    with pytest.raises(SourceError) as caught:
        load(change_part(path, "word/document.xml", damage), settings=Settings(home=tmp_path))
    assert caught.value.code == "damaged"


def test_xml_entities_are_refused_before_they_unfold(tmp_path: Path) -> None:
    lol = b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 9))
    bomb = b'<?xml version="1.0"?><!DOCTYPE w:document [<!ENTITY l0 "lol">' + lol + b"]><w:document>&l8;</w:document>"
    path = change_part(save(tmp_path / "a.docx", lambda d: None), "word/document.xml", lambda data: bomb)
    with pytest.raises(SourceError, match="entities") as caught:
        read(path)
    assert caught.value.code == "bomb"


def test_an_archive_bomb_is_given_up(tmp_path: Path) -> None:
    path = save(tmp_path / "a.docx", lambda document: document.add_paragraph("Text."))
    change_part(path, "word/document.xml", lambda data: data.replace(b"<w:body>", b"<w:body>" + b" " * 150_000_000))
    with pytest.raises(SourceError, match="unfolds") as caught:
        load(path, settings=Settings(home=tmp_path))
    assert caught.value.code == "bomb"


def test_deeply_nested_tables_are_refused_or_read_but_never_crash(tmp_path: Path) -> None:
    deep = b"<w:tbl><w:tr><w:tc>" * 3000 + b"<w:p/>" + b"</w:tc></w:tr></w:tbl>" * 3000
    path = save(tmp_path / "a.docx", lambda document: document.add_paragraph("Text."))
    change_part(path, "word/document.xml", lambda data: data.replace(b"<w:body>", b"<w:body>" + deep))
    with pytest.raises(SourceError) as caught:
        load(path, settings=Settings(home=tmp_path))
    assert caught.value.code == "damaged"


def test_sections_survive_the_child_process(tmp_path: Path) -> None:
    def write(document: Any) -> None:
        document.add_heading("Rent", 1)
        document.add_paragraph("Monthly.")

    _, document = load(save(tmp_path / "annex.docx", write), settings=Settings(home=tmp_path))
    assert document.loader == "docx"
    assert [document.text[s.start : s.end] for s in document.segments] == ["Rent\n\nMonthly."]
