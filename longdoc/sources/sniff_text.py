"""Which kind of text a text file is: signs in the content first, the name only between equals."""

from __future__ import annotations

import csv
import json
import re

from longdoc.sources.decode import decode
from longdoc.sources.languages import extension_of, language_of

_LOOK_CHARACTERS = 1 << 15

_SRT = re.compile(r"\s*\d+[ \t]*\n[ \t]*\d{1,3}:\d{2}:\d{2}[,.]\d{1,3}[ \t]*-->")
_VTT = re.compile(r"WEBVTT(?=[ \t\n]|$)")
_HTML = re.compile(r"(?is)\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b")
_OTHER_DOCTYPE = re.compile(r"(?is)\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:svg|!doctype\s+(?!html))\b")
_FRAGMENT = re.compile(
    r"(?is)\s*(?:<!--.*?-->\s*)*<(p|div|h[1-6]|table|ul|ol|section|article|main|title|center|blockquote)\b[^>]*>.*?</\1\s*>"
)
_TAG = re.compile(r"(?i)<(?:p|div|h[1-6]|table|ul|ol|a|span|br|b|i|em|strong|title|meta|article|section)\b[^>]*>")
_OBJECT = re.compile(r'\s*\{\s*(?:"(?:[^"\\\n]|\\.)*"\s*:|\})')
_ARRAY = re.compile(r'\s*\[\s*(?:[\[{"\]]|(?:-?\d[\d.eE+-]*|true|false|null)\s*(?:,|\]\s*$))')
_NOTEBOOK = re.compile(r'"cell_type"\s*:|"nbformat"\s*:')
_HEADING = re.compile(r"(?m)^#{1,6} \S.*$")
_MARKDOWN_SIGN = re.compile(
    r"(?m)^(?:```|~~~|[-*+] \S|\d+\. \S|> \S|\|.*\|$|={3,}$|-{3,}$)|\[[^\]\n]+\]\([^)\s]+\)|\*\*\S"
)


def text_format(head: bytes, partial: bool, name: str) -> str | None:
    """Return the format of a file that begins with `head`, or None if these bytes are not text.

    `partial` says that the file goes on after `head`.
    """
    decoded = decode(head, partial=partial)
    if decoded is None:
        return None
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    partial = partial or len(text) > _LOOK_CHARACTERS
    text = text[:_LOOK_CHARACTERS]
    extension = extension_of(name)
    if _VTT.match(text):
        return "vtt"
    if _SRT.match(text):
        return "srt"
    if _HTML.match(text) and language_of(name) not in ("php", "javascript"):
        return "html"
    if extension == ".ipynb" or _OBJECT.match(text) or _ARRAY.match(text):
        found = _json_kind(text, extension)
        if found:
            return found
    if text.startswith("#!"):
        return "code"
    if language_of(name):
        return "code"
    if not _OTHER_DOCTYPE.match(text) and (
        _FRAGMENT.match(text) or (extension in (".html", ".htm", ".xhtml") and _TAG.search(text))
    ):
        return "html"
    if delimiter_of(text, partial, named=extension in (".csv", ".tsv")):
        return "csv"
    if extension in (".md", ".markdown", ".mdx") or _looks_like_markdown(text):
        return "markdown"
    return "text"


def _json_kind(text: str, extension: str) -> str | None:
    is_object = text.lstrip().startswith("{")
    if is_object and _NOTEBOOK.search(text) and ('"cells"' in text or '"worksheets"' in text):
        return "ipynb"
    if extension == ".ipynb":
        return "ipynb" if is_object else None
    lines = [line for line in text.split("\n", 3)[:3] if line.strip()]
    if extension in (".jsonl", ".ndjson"):
        return "jsonl"
    # The last of three pieces holds the rest of the file and need not be whole.
    if len(lines) > 1 and all(_is_json_container(line) for line in lines[:-1]) and lines[-1].lstrip()[:1] in "{[":
        return "jsonl"
    return "json"


def _is_json_container(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict | list)
    except (ValueError, RecursionError):
        return False


def delimiter_of(text: str, partial: bool = False, *, named: bool = False) -> str | None:
    """Return the delimiter of a table in text form, or None if its rows do not agree.

    A file that is not `named` as a table has to show at least four rows of three columns.
    """
    if partial:
        text = text[: text.rfind("\n") + 1]
    best: tuple[int, str] | None = None
    for delimiter in ("\t", ",", ";", "|"):
        try:
            rows = [row for row in csv.reader(text.split("\n")[:200], delimiter=delimiter) if row]
        except csv.Error:
            continue
        if not rows or len(rows[0]) < 2:
            continue
        width = len(rows[0])
        agree = sum(1 for row in rows if len(row) == width) / len(rows)
        enough = agree >= 0.8 if named else agree == 1.0 and len(rows) >= 4 and width >= 3
        if enough and (best is None or width > best[0]):
            best = width, delimiter
    return best[1] if best else None


def _looks_like_markdown(text: str) -> bool:
    """Headings alone could be comments of a script, so another sign is asked for as well."""
    n_headings = len(_HEADING.findall(text))
    return n_headings >= 1 and len(_MARKDOWN_SIGN.findall(text)) >= 2
