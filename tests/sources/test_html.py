"""HTML gives the words a reader sees, in reading order, and nothing that is hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.html import load_html
from longdoc.sources.loaded import Loaded


def read(tmp_path: Path, html: str | bytes) -> Loaded:
    path = tmp_path / "file"
    path.write_bytes(html if isinstance(html, bytes) else html.encode())
    return load_html(path, "a.html", Settings(), lambda *step: None, {})


def words(tmp_path: Path, html: str | bytes) -> str:
    return read(tmp_path, html).text


def test_headings_become_sections_with_exact_ranges(tmp_path: Path):
    loaded = read(
        tmp_path,
        "<title> The\n Lease </title><p>Before</p>"
        "<h1>The <em>lease</em>\u200b</h1><p>One.</p><h2>Rent</h2>Two.<h2></h2>",
    )
    assert loaded.title == "The Lease"
    assert [(s.kind, s.level, s.label) for s in loaded.segments] == [
        ("section", 1, "The lease"),
        ("section", 2, "Rent"),
    ]
    assert [loaded.text[s.start : s.end] for s in loaded.segments] == ["The lease\n\nOne.\n\n", "Rent\n\nTwo."]
    assert [w.code for w in loaded.warnings] == ["invisible_text"]


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>words</script>",
        "<style>words</style>",
        "<noscript>words</noscript>",
        "<template>words</template>",
        "<svg><title>words</title><text>words</text></svg>",
        "<!-- words -->",
        "<select><option>words</option></select>",
        "<div hidden><p>words</p></div>",
        '<div style="color:red; Display : NONE !important">words</div>',
        '<span style="visibility:hidden">words</span>',
        '<span style="font-size:0px">words</span>',
        '<span style="opacity: 0.0">words</span>',
        "<dialog>words</dialog>",
        '<div hidden><div><br><img src="x">words</div></div>',
    ],
)
def test_what_is_not_shown_is_left_out(hidden: str, tmp_path: Path):
    assert words(tmp_path, f"<body><p>before</p>{hidden}<p>after</p></body>") == "before\n\nafter"


@pytest.mark.parametrize(
    "shown",
    [
        '<p style="font-size:0.8em">words</p>',
        '<p style="opacity:0.5">words</p>',
        '<p style="display:block">words</p>',
        "<dialog open>words</dialog>",
        '<body style="display:none"><p>words</p></body>',
        "<details><summary>words</summary></details>",
    ],
)
def test_what_is_shown_is_kept(shown: str, tmp_path: Path):
    assert words(tmp_path, shown) == "words"


def test_hidden_words_are_counted_and_machinery_is_not(tmp_path: Path):
    loaded = read(tmp_path, "<p>a</p><p hidden>12345</p><script>1234567</script>")
    assert [w.message for w in loaded.warnings] == ["5 characters of hidden text were left out."]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>a <b>b</b>\n\n c&nbsp;d &amp; &eacute;</p>", "a b c d & é"),
        ("one<br>two<br><br><br>three", "one\ntwo\n\nthree"),
        ("<ul><li>a</li><li><p>b</p></li></ul>", "- a\n- b"),
        ("<ol start=3><li>a<li>b</ol>", "3. a\n4. b"),
        ("<pre>  x\n    y</pre>", "  x\n    y"),
        ("<p>in<span>line</span></p>", "inline"),
        ("<table><tr><th>a<th>b</tr><tr><td>1<td>2</table>", "a | b\n1 | 2"),
        ("<table><tr><td><p>a</p></td><td><p>b</p></td></tr><tr><td>c</td></tr></table>", "a | b\nc"),
        ("<table><tr><td>a</td><td></td><td>c</td></tr></table>", "a | | c"),
        ("<table><tr><td><p>a</p><p>b</p></td><td>side</td></tr></table>", "a\n\nb\n\nside"),
    ],
)
def test_layout_becomes_lines(html: str, expected: str, tmp_path: Path):
    assert words(tmp_path, html) == expected


def test_the_charset_that_a_page_states_is_believed_if_it_holds(tmp_path: Path):
    page = '<html><meta charset="windows-1251"><p>Договор аренды</p></html>'
    assert words(tmp_path, page.encode("cp1251")) == "Договор аренды"
    assert words(tmp_path, '<html><meta charset="cp1251"><p>naïve</p></html>'.encode()) == "naïve"
    assert "caf" in words(tmp_path, '<html><meta charset="no-such"><p>café</p></html>'.encode("latin-1"))


def test_an_xml_declaration_does_no_harm(tmp_path: Path):
    assert words(tmp_path, '<?xml version="1.0" encoding="utf-8"?><html><body>é</body></html>') == "é"


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000 + "deep",
        "<b>" * 100_000 + "deep",
        "<h1>" * 50_000 + "deep",
        "<table><tr><td>" * 30_000 + "deep",
        "<ul><li>" * 30_000 + "deep",
        "<p " + " ".join(f"a{n}=1" for n in range(50_000)) + ">deep",
        "<div style='" + "x" * 300_000 + "'>deep",
    ],
)
def test_depth_and_size_do_not_lose_words(html: str, tmp_path: Path):
    loaded = read(tmp_path, html)
    assert loaded.text.endswith("deep")
    position = 0
    for segment in loaded.segments:
        assert position <= segment.start < segment.end <= len(loaded.text)
        position = segment.end


def test_binary_after_a_tag_is_refused(tmp_path: Path):
    with pytest.raises(SourceError) as caught:
        read(tmp_path, b"<html>" + bytes(range(256)) * 20)
    assert caught.value.code == "unsupported"
