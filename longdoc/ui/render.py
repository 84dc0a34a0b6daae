"""Answers as safe HTML: Markdown in, a few harmless elements out, citations as links.

Raw HTML, images, Mermaid and every other block that could fetch, run or move
something stay visible as text; links are shown as text with their address. What
comes out is the only HTML of model or document origin that a page shows. The
links of citations are the only ones that work, and only those put in here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any

from longdoc.citations import judge, sentences
from longdoc.files import display_name
from longdoc.types import Citation

STATUS = {"verified": "Verified", "fuzzy": "Close", "attended": "Read here", "not_found": "Not found"}
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufff9-\ufffb]")
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HIDDEN = re.compile("[\U000e0000-\U000e007f\u200b\u2060\ufeff]")
_BLOCKS = re.compile(r"```|~~~|^\s*\||^( {4}|\t)", re.MULTILINE)
_LAYERED = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})[\u0300-\u036f"
    r"\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def inert(text: str) -> str:
    """Return text without characters that hide, reorder or pile up over what stands around them."""
    shown = _DIRECTION.sub("\N{REPLACEMENT CHARACTER}", _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))
    return _LAYERED.sub(r"\1", _HIDDEN.sub("", shown))


def markdown(text: str) -> str:
    """Return Markdown as HTML made of paragraphs, lists, tables, quotes, code and emphasis only."""
    return str(_parser().render(inert(text), {}))


def answer_html(text: str, citations: Sequence[Citation], prefix: str) -> str:
    """Return an answer with each citation as a numbered link at the end of the sentence that it shows.

    Links are `<a class="ld-cite" href="#cite-<prefix>-<number>">`; the page's script gives them their names.
    """
    nonce = secrets.token_hex(8)  # so that a link which the model writes is never taken for one of these
    return str(_parser().render(_with_links(inert(text), citations, nonce), {"nonce": nonce, "prefix": prefix}))


def place(citation: Citation) -> str:
    """Return where a citation stands, in words: "lease.pdf, page 47", "shop, src/cart.py:40-44"."""
    label = inert(citation.label)
    if citation.page is not None and label.startswith("p. "):
        label = f"pages {label[3:]}".replace(" to p. ", " to ") if " to p. " in label else f"page {label[3:]}"
    return ", ".join(part for part in (inert(display_name(citation.source)) if citation.source else "", label) if part)


def _with_links(text: str, citations: Sequence[Citation], nonce: str) -> str:
    """Return Markdown with `[n](#cite-nonce-n)` after the sentences that citations show, the rest at the end."""
    text = text.rstrip()
    at: dict[int, list[int]] = {}
    plain = not _BLOCKS.search(text)
    spans = sentences(text) if plain else []
    for number, citation in enumerate(citations, 1):
        shown = next((end for start, end in spans if judge(text[start:end], inert(citation.quote)) is not None), None)
        at.setdefault(shown if shown is not None else -1, []).append(number)
    rest = at.pop(-1, [])
    for end in sorted(at, reverse=True):
        end_of_words = len(text[:end].rstrip())
        text = f"{text[:end_of_words]} {_links(at[end], nonce)}{text[end_of_words:]}"
    if rest:
        text += (" " if plain and text else "\n\n") + _links(rest, nonce)
    return text


def _links(numbers: Sequence[int], nonce: str) -> str:
    return " ".join(f"[{number}](#cite-{nonce}-{number})" for number in numbers)


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt

    parser: Any = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable(["table"])
    for name, rule in {
        "image": _image,
        "link_open": _link_open,
        "link_close": _link_close,
        "fence": _fence,
        "heading_open": lambda *_: '<p class="ld-heading"><strong>',  # the page has headings of its own
        "heading_close": lambda *_: "</strong></p>\n",
    }.items():
        parser.renderer.rules[name] = rule
    return parser


def _image(tokens: Any, index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    return f"[image: {escape(token.content)} {escape(str(token.attrGet('src') or ''))}]"


def _own(token: Any, env: Any) -> str | None:
    """Return the number of a citation link that `answer_html` wrote."""
    start = f"#cite-{env['nonce']}-" if env.get("nonce") else None
    href = str(token.attrGet("href") or "")
    return href.removeprefix(start) if start and href.startswith(start) else None


def _link_open(tokens: Any, index: int, options: Any, env: Any) -> str:
    number = _own(tokens[index], env)
    if number is not None:
        return f'<a class="ld-cite" href="#cite-{escape(env["prefix"])}-{escape(number)}">'
    return '<span class="ld-link">'


def _link_close(tokens: Any, index: int, options: Any, env: Any) -> str:
    depth = 0
    for token in reversed(tokens[:index]):
        if token.type == "link_close":
            depth += 1
        elif token.type == "link_open":
            if depth == 0:
                if _own(token, env) is not None:
                    return "</a>"
                return f" ({escape(str(token.attrGet('href') or ''))})</span>"
            depth -= 1
    return "</span>"


def _fence(tokens: Any, index: int, options: Any, env: Any) -> str:
    return f"<pre><code>{escape(tokens[index].content)}</code></pre>\n"  # no language class: nothing may hook on it
