"""Bytes of a text file to characters: marks, UTF-8, UTF-16 without a mark, then a guess.

Also says when bytes are not text at all, and reads whole files for the loaders of text
formats, about which it knows nothing.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.clean import clean
from longdoc.types import Warned

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\v\f\r\x1b") + b"\x7f"
_SAMPLE_BYTES = 1 << 16

# What the guess may choose from: encodings in real use. A wider choice finds EBCDIC in short French.
_CANDIDATES = [
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "iso8859_2"),
    *("mac_roman", "cp437", "cp850", "cp866", "gb18030", "big5", "cp932", "euc_jp", "cp949", "iso2022_jp"),
]


@dataclass(frozen=True)
class Decoded:
    """Characters of a file, how they were found, and how many bytes had no meaning (now U+FFFD)."""

    text: str
    encoding: str
    guessed: bool = False
    n_bad: int = 0

    def warnings(self, where: str = "") -> tuple[Warned, ...]:
        """Return what a person should know about the decoding, if anything."""
        found = []
        if self.guessed:
            found.append(Warned("encoding", f"The encoding is not stated; read as {self.encoding}.", where))
        if self.n_bad:
            bytes_are = "1 byte is" if self.n_bad == 1 else f"{self.n_bad:,} bytes are"
            found.append(Warned("encoding", f"{bytes_are} not valid {self.encoding} (shown as �).", where))
        return tuple(found)


def decode(data: bytes, *, partial: bool = False) -> Decoded | None:
    """Return the characters of `data`, or None if these bytes are not text.

    `partial` says that `data` is the beginning of a longer file and may end within a character.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _plausible(_replaced(data, encoding, partial))
    sample = data[:_SAMPLE_BYTES]
    n_nul = sample.count(0)
    if n_nul > len(sample) // 1000:
        return _utf16_without_mark(data, sample, partial)
    if _share_of_controls(sample) > 0.02:
        return None
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        pass
    utf8 = _replaced(data, "utf-8", partial)
    n_good = len(utf8.text) - len(utf8.text.encode("ascii", "ignore")) - utf8.n_bad
    if utf8.n_bad * 10 <= n_good or utf8.n_bad == 0:
        return utf8
    return None if n_nul else _guess(data)


def read_text(path: Path, name: str, settings: Settings) -> tuple[str, Decoded, int]:
    """Return a file's cleaned characters, how they were decoded and how many invisible ones went.

    Raises SourceError too_large before reading, unsupported if the bytes are not text.
    """
    if path.stat().st_size > 4 * settings.max_text_characters:
        raise SourceError(
            f"{name} is larger than the limit of {settings.max_text_characters:,} characters.",
            code="too_large",
            next_step="Split it, or raise LONGDOC_MAX_TEXT_CHARACTERS.",
        )
    decoded = decode(path.read_bytes())
    if decoded is None:
        raise SourceError(
            f"{name} begins like text and goes on as a binary file.",
            code="unsupported",
            next_step="Add the document it was made from, as PDF, DOCX or text.",
        )
    text, removed = clean(decoded.text)
    return text, decoded, removed


def _replaced(data: bytes, encoding: str, partial: bool) -> Decoded:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    text = decoder.decode(data, final=not partial)
    # U+FFFD that the file itself holds cannot be told apart in other encodings, and is as rare there.
    n_own = data.count(b"\xef\xbf\xbd") if encoding.startswith("utf-8") else 0
    return Decoded(text, encoding.removesuffix("-sig"), n_bad=max(0, text.count("\ufffd") - n_own))


def _share_of_controls(sample: bytes) -> float:
    return (len(sample) - len(sample.translate(None, _CONTROLS))) / max(1, len(sample))


def _utf16_without_mark(data: bytes, sample: bytes, partial: bool) -> Decoded | None:
    """Mostly Latin text in UTF-16 has a zero in every second byte; anything else with zeros is binary."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = max(1, len(sample) // 2)
    for encoding, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros > 0.4 * half and others < 0.02 * half:
            return _plausible(_replaced(data, encoding, partial))
    return None


def _plausible(decoded: Decoded) -> Decoded | None:
    """Refuse what a mark promised and the characters deny."""
    head = decoded.text[:_SAMPLE_BYTES]
    strange = sum(1 for ch in head if ch == "\ufffd" or (ch < " " and ch not in "\t\n\v\f\r\x1b"))
    return None if strange > max(1, len(head) // 50) else decoded


def _guess(data: bytes) -> Decoded | None:
    from charset_normalizer import from_bytes  # 20 ms to import, needed for few files

    first = next(i for i, byte in enumerate(data) if byte > 0x7F)
    start = max(0, first - 1000)
    matches = from_bytes(data[start : start + _SAMPLE_BYTES], cp_isolation=_CANDIDATES)
    best = matches.best()
    if best is None:
        return _western(data)
    encoding = best.encoding
    for match in matches:
        # Western European files are by far the most common, and short ones fit many tables as well.
        is_close = match.chaos <= best.chaos + 0.02 and match.coherence >= best.coherence - 0.1
        if is_close and "cp1252" in (match.encoding, *match.could_be_from_charset):
            encoding = "cp1252"
    text = data.decode(encoding, "replace")
    return Decoded(text, encoding, guessed=True, n_bad=text.count("\ufffd"))


def _western(data: bytes) -> Decoded | None:
    """Accept what no statistics recognise if it is mostly ASCII and every byte has a meaning in cp1252."""
    if len(data.translate(None, bytes(range(0x80, 0x100)))) < 0.7 * len(data) or _share_of_controls(data) > 0:
        return None
    try:
        return Decoded(data.decode("cp1252"), "cp1252", guessed=True)
    except UnicodeDecodeError:
        return None
