"""Recordings for tests: a sound of a given length, and the sample meeting as if an engine had heard it."""

from __future__ import annotations

import struct
import sys
import wave
from pathlib import Path
from typing import Any

from longdoc.files import sha256_file
from longdoc.speech import Heard, Utterance, Word
from longdoc.types import Source

ROOT = Path(__file__).resolve().parents[2]
RATE = 8_000


def sound(path: Path, seconds: float, *, silent: bool = False) -> Path:
    """Write a WAV of a quiet saw tooth, or of nothing."""
    tone = b"" if silent else b"".join(struct.pack("<h", (n % 80) * 40 - 1600) for n in range(RATE))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for second in range(int(seconds)):
            file.writeframes(tone if tone and not 160 <= second < 200 else bytes(2 * RATE))
        file.writeframes(bytes(2 * round((seconds - int(seconds)) * RATE)))
    return path


def meeting_lines() -> list[Utterance]:
    """Return what is said in the sample meeting, with speakers and times of words."""
    sys.path.insert(0, str(ROOT / "assets"))
    try:
        from samples_src.meeting import lines
    finally:
        sys.path.pop(0)
    return [spoken(line.start_s, line.end_s, line.text, line.speaker) for line in lines()]


def spoken(start_s: float, end_s: float, text: str, speaker: str = "") -> Utterance:
    """Return an utterance whose words share its time evenly."""
    words = text.split()
    step = (end_s - start_s) / max(len(words), 1)
    timed = tuple(Word(start_s + n * step, start_s + (n + 1) * step, word, 0.9) for n, word in enumerate(words))
    return Utterance(start_s, end_s, text, speaker, 0.9, timed)


def put_recording(context: Any, path: Path, utterances: list[Utterance], *, until_s: float | None = None) -> int:
    """Put a recording and its transcript into a library; return the transcript's id."""
    library = context.library
    source = Source(sha256_file(path), path.name, "audio/wav", path.stat().st_size, str(path))
    library.add_recording(source, path)
    with wave.open(str(path)) as file:
        duration_s = file.getnframes() / file.getframerate()
    transcript = library.begin_transcript(source.id, "sphinx", "PocketSphinx, rough", duration_s, {"language": "en"})
    heard = tuple(one for one in utterances if until_s is None or one.end_s <= until_s)
    library.append_heard(transcript, Heard(until_s or duration_s, heard, "en"), after_s=0.0)
    if until_s is None:
        library.finish_transcript(transcript, duration_s)
    return int(transcript)
