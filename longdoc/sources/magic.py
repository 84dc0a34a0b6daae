"""Magic bytes: what LongDoc refuses, each with what it is and what to do instead; and recordings, by container."""

from __future__ import annotations

from dataclasses import dataclass

_SCAN = "If it shows a document, run text recognition (OCR) on it and add the PDF or text."
_TRANSCRIPT = "Add its transcript instead (SRT, VTT or text)."
_UNPACK = "Unpack it, and add the folder or its files."
_EXPORT = "Export its content as text, CSV or PDF and add that."


@dataclass(frozen=True)
class Refused:
    """A kind of file known by its first bytes, and by a second mark at an offset where one is needed."""

    what: str
    magic: bytes
    advice: str
    at: int = 0
    also: bytes = b""
    also_at: int = 0
    is_text: bool = False  # the format itself is text, and not worth reading raw

    @property
    def could_begin_text(self) -> bool:
        """Whether prose may begin with the same letters: "GGUF is a format", "ID3 tags were"."""
        return not self.is_text and self.magic.isascii() and self.magic.decode().isprintable()

    def matches(self, head: bytes) -> bool:
        """Return whether a file that begins with `head` is of this kind."""
        return head.startswith(self.magic, self.at) and head.startswith(self.also, self.also_at)


REFUSED = (
    Refused("an image (PNG)", b"\x89PNG\r\n\x1a\n", _SCAN),
    Refused("an image (JPEG)", b"\xff\xd8\xff", _SCAN),
    Refused("an image (GIF)", b"GIF87a", _SCAN),
    Refused("an image (GIF)", b"GIF89a", _SCAN),
    Refused("an image (BMP)", b"BM", _SCAN, also=b"\0\0\0\0", also_at=6),
    Refused("an image (TIFF)", b"II*\0", _SCAN),
    Refused("an image (TIFF)", b"MM\0*", _SCAN),
    Refused("an image (WebP)", b"RIFF", _SCAN, also=b"WEBP", also_at=8),
    Refused("an image (HEIF)", b"ftypheic", _SCAN, at=4),
    Refused("an image (HEIF)", b"ftypmif1", _SCAN, at=4),
    Refused("an image (AVIF)", b"ftypavif", _SCAN, at=4),
    Refused("an image (JPEG 2000)", b"\0\0\0\x0cjP  ", _SCAN),
    Refused("an image (JPEG XL)", b"\0\0\0\x0cJXL ", _SCAN),
    Refused("an image (icon)", b"\0\0\1\0", _SCAN, also=b"\0", also_at=9),
    Refused("an image (Photoshop)", b"8BPS", _SCAN),
    Refused("a scanned document (DjVu)", b"AT&TFORM", _SCAN),
    Refused("an audio recording (AIFF)", b"FORM", _TRANSCRIPT, also=b"AIF", also_at=8),
    Refused("an audio recording (AMR)", b"#!AMR", _TRANSCRIPT),
    Refused("a music file (MIDI)", b"MThd", _TRANSCRIPT),
    Refused("an audio or video recording (WMA, WMV)", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _TRANSCRIPT),
    Refused("an audio recording (CAF)", b"caff\0\1", _TRANSCRIPT),
    Refused("a video (AVI)", b"RIFF", _TRANSCRIPT, also=b"AVI ", also_at=8),
    Refused("a video (MPEG)", b"\0\0\1\xba", _TRANSCRIPT),
    Refused("a video (Flash)", b"FLV\1", _TRANSCRIPT),
    Refused("an RTF document", b"{\\rtf", "Save it as DOCX or PDF and add that.", is_text=True),
    Refused("a PostScript file", b"%!PS", "Convert it to PDF and add that.", is_text=True),
    Refused("a Kindle e-book", b"BOOKMOBI", "Convert it to EPUB and add that.", at=60),
    Refused("an archive (7z)", b"7z\xbc\xaf\x27\x1c", _UNPACK),
    Refused("an archive (RAR)", b"Rar!\x1a\x07", _UNPACK),
    Refused("an archive (xz)", b"\xfd7zXZ\0", _UNPACK),
    Refused("an archive (bzip2)", b"BZh", _UNPACK, also=b"1AY&SY", also_at=4),
    Refused("an archive (Zstandard)", b"\x28\xb5\x2f\xfd", _UNPACK),
    Refused("an archive (Unix ar)", b"!<arch>\n", _UNPACK),
    Refused("an installer (Windows cabinet)", b"MSCF\0\0\0\0", _UNPACK),
    Refused("a database (SQLite)", b"SQLite format 3\0", _EXPORT),
    Refused("a table file (Parquet)", b"PAR1", _EXPORT),
    Refused("a table file (Arrow)", b"ARROW1\0\0", _EXPORT),
    Refused("a data file (HDF5)", b"\x89HDF\r\n\x1a\n", _EXPORT),
    Refused("a data file (NumPy)", b"\x93NUMPY", _EXPORT),
    Refused("a model file (GGUF)", b"GGUF", "Place models in the models folder instead."),
    Refused("a program (Linux)", b"\x7fELF", "Add its source code instead."),
    Refused("a program (Windows)", b"MZ", "Add its source code instead.", also=b"\0", also_at=3),
    Refused("a program (macOS)", b"\xcf\xfa\xed\xfe", "Add its source code instead."),
    Refused("a program (Java class, macOS)", b"\xca\xfe\xba\xbe", "Add its source code instead."),
    Refused("a program (WebAssembly)", b"\0asm", "Add its source code instead."),
    Refused("a font", b"wOFF", "Add the document that uses it instead."),
    Refused("a font", b"wOF2", "Add the document that uses it instead."),
    Refused("a font", b"OTTO\0", "Add the document that uses it instead."),
    Refused("a font", b"\0\1\0\0\0", "Add the document that uses it instead."),
)


def looks_like_mp3(head: bytes) -> bool:
    """Return whether `head` begins with an MPEG audio frame: eleven sync bits, then layer III or II and a real rate."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    layer, rate, frequency = (head[1] >> 1) & 3, head[2] >> 4, (head[2] >> 2) & 3
    return layer in (1, 2) and 0 < rate < 15 and frequency < 3 and (head[1] >> 3) & 3 != 1


# Container of a recording -> its media type. longdoc/speech/decoding.py knows which demuxer reads each.
SOUND = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "mp4": "audio/mp4",
    "webm": "audio/webm",
}

# Names that promise sound. Text behind one is a failed download, a playlist or a mistake, and is never read as a text.
SOUND_NAMES = frozenset(
    {".wav", ".flac", ".mp3", ".m4a", ".m4b", ".aac", ".ogg", ".oga", ".opus", ".webm", ".weba", ".mp4", ".mov"}
)


def sound_form(head: bytes) -> str | None:
    """Return the container of a recording that begins with `head`, a key of SOUND, or None."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head.startswith(b"fLaC"):
        return "flac"
    if head.startswith(b"OggS"):
        return "ogg"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm"
    if head[4:8] in (b"ftyp", b"moov"):
        return "mp4"
    return "mp3" if head.startswith(b"ID3") or looks_like_mp3(head) else None
