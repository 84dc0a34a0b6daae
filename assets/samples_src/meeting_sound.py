"""meeting.opus: the meeting spoken by two espeak-ng voices at the times of meeting.vtt, silent where nobody speaks.

Needs espeak-ng to make, and nothing to play: the made file is committed, since voices differ from
version to version. `wav` unpacks it to meeting.wav, sixteen times as large.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import wave

import numpy

from assets.samples_src import meeting

RATE = 16_000
_BITS_PER_S = 14_000
_VOICES = {"Hanne": ("en-us+f2", 58), "Ruben": ("en-us+Henrique", 42)}  # voice, pitch of 99
_WORDS_PER_MINUTE = 135
_BREATH_S = 0.25  # at least so long between two lines


def can_speak() -> bool:
    """Return whether espeak-ng is here."""
    return shutil.which("espeak-ng") is not None


def spoken(text: str, voice: str, pitch: int, words_per_minute: int = _WORDS_PER_MINUTE) -> numpy.ndarray:
    """Return text as sound: int16, mono, RATE."""
    command = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(words_per_minute), "--stdout", text]
    made = subprocess.run(command, capture_output=True, check=True).stdout
    return decoded(made, "wav")


def samples() -> numpy.ndarray:
    """Return the whole meeting: int16, mono, RATE, exactly meeting.DURATION_S long."""
    sound = numpy.zeros(round(meeting.DURATION_S * RATE), dtype=numpy.int16)
    lines = meeting.lines()
    ends = [line.start_s for line in lines[1:]] + [meeting.DURATION_S]
    for line, until_s in zip(lines, ends, strict=True):
        limit_s = min(until_s, line.end_s + 1.0) - _BREATH_S - line.start_s
        speed = _WORDS_PER_MINUTE
        said = spoken(line.text, *_VOICES[line.speaker], speed)
        while len(said) > limit_s * RATE:
            speed += 10
            said = spoken(line.text, *_VOICES[line.speaker], speed)
        first = round(line.start_s * RATE)
        sound[first : first + len(said)] = said
    return sound


def opus() -> bytes:
    """Return the meeting as Opus in Ogg."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE)
        stream.bit_rate = _BITS_PER_S
        stream.codec_context.layout = "mono"
        stream.codec_context.options = {"application": "voip", "vbr": "on", "frame_duration": "60"}
        frame = av.AudioFrame.from_ndarray(samples().reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()


def wav(data: bytes) -> bytes:
    """Return Opus in Ogg unpacked as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(decoded(data, "ogg")[: round(meeting.DURATION_S * RATE)].tobytes())
    return file.getvalue()


def decoded(data: bytes, form: str) -> numpy.ndarray:
    """Return a recording in memory as int16, mono, RATE."""
    import av

    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(io.BytesIO(data), format=form) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    return numpy.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
