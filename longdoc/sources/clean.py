"""Text as a model should meet it: one kind of line end, nothing that a person cannot see.

Zero-width characters, direction controls and Unicode tags can carry words that a
reader of the page never sees, so they go, counted. What writing systems need stays:
joiners between letters of Arabic or Indic scripts and between emoji, one variation
selector after a character. Knows strings only.
"""

from __future__ import annotations

import re

# Scripts in which U+200C and U+200D change how words are written.
_JOINING = (
    "\u0600-\u06ff\u0700-\u074f\u0750-\u077f\u07c0-\u07ff\u0840-\u085f\u0860-\u08ff\u0900-\u0dff\u0f00-\u0fff"
    "\u1000-\u109f\u1780-\u17ff\u1800-\u18af\u1a20-\u1aaf\u1b00-\u1b7f\ua8e0-\ua8ff\ufb50-\ufdff\ufe70-\ufefc"
)
_EMOJI = "\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
_SELECTORS = "\ufe00-\ufe0f"
_IDEOGRAPH = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\x80-\x84\x86-\x9f"  # controls; tab, line ends, \v, \f and NEL are not among them
    "\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
    f"|(?<![{_JOINING}{_EMOJI}{_SELECTORS}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINING}{_EMOJI}])"
    f"|(?<=[{_SELECTORS}])[{_SELECTORS}]"
    f"|(?<![{_IDEOGRAPH}])[\U000e0100-\U000e01ef]"
)
# One class without context, so that ordinary text costs a single fast scan.
_CANDIDATE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\x80-\x84\x86-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
# Not counted as hidden: a byte-order mark at the start and hyphens for line breaking.
_UNSEEN = re.compile("^\ufeff|\u00ad")
_LINE_END = re.compile("\r\n?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ASCII_CONTROL = re.compile("[\x00-\x08\x0d-\x1f\x7f]")


def clean(text: str) -> tuple[str, int]:
    """Return `text` with line ends as "\\n" and without invisible characters, and how many of those it had.

    Soft hyphens and a leading byte-order mark go uncounted; a lone surrogate becomes U+FFFD,
    so that the result can always be encoded. Cleaning twice changes nothing more.
    """
    if text.isascii() and not _ASCII_CONTROL.search(text):
        return text, 0
    if "\r" in text:
        text = _LINE_END.sub("\n", text)
    if not _CANDIDATE.search(text):
        return text, 0
    text = _UNSEEN.sub("", text)
    removed = 0
    while True:  # taking one out can bring two others together
        text, n = _INVISIBLE.subn("", text)
        removed += n
        if not n:
            break
    return _SURROGATE.sub("\ufffd", text), removed
