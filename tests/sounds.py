"""Recordings for tests: tones, noise and silence in any container, the sample meeting in parts."""

from __future__ import annotations

import io
import struct
import wave
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy

RATE = 16_000
MEETING = Path(__file__).resolve().parents[1] / "assets" / "samples" / "meeting.opus"

# ending -> container, codec, sample format, rate
CONTAINERS = {
    "wav": ("wav", "pcm_s16le", "s16", 16_000),
    "flac": ("flac", "flac", "s16", 16_000),
    "mp3": ("mp3", "libmp3lame", "s16p", 16_000),
    "m4a": ("ipod", "aac", "fltp", 16_000),
    "ogg": ("ogg", "flac", "s16", 16_000),
    "opus": ("ogg", "libopus", "s16", 48_000),
    "webm": ("webm", "libopus", "s16", 48_000),
    "mp4": ("mp4", "aac", "fltp", 44_100),
}


def tone(seconds: float, rate: int = RATE, hertz: float = 440.0) -> numpy.ndarray:
    """Return a tone, int16."""
    times = numpy.arange(round(seconds * rate)) / rate
    return (8000 * numpy.sin(2 * numpy.pi * hertz * times)).astype(numpy.int16)


def wav(samples: numpy.ndarray, rate: int = RATE, *, n_channels: int = 1, width: int = 2) -> bytes:
    """Return samples as WAV; the same ones in every channel. Width 1 is unsigned 8 bit."""
    if width == 1:
        samples = (samples // 256 + 128).astype(numpy.uint8)
    if width == 4:
        samples = samples.astype(numpy.int32) * 65_536
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(n_channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(numpy.repeat(samples[:, None], n_channels, axis=1).tobytes())
    return file.getvalue()


def encoded(samples: numpy.ndarray, ending: str, *, rate: int = RATE, with_picture: bool = False) -> bytes:
    """Return samples (int16, mono) in the container and codec of CONTAINERS."""
    import av

    container_name, codec, form, codec_rate = CONTAINERS[ending]
    file = io.BytesIO()
    with av.open(file, "w", format=container_name) as container:
        picture: Any = None
        if with_picture:
            picture = container.add_stream("mpeg4", rate=5)
            picture.width = picture.height = 32
        stream: Any = container.add_stream(codec, rate=codec_rate)
        stream.codec_context.layout = "mono"
        stream.codec_context.format = form
        resampler = av.AudioResampler(format=form, layout="mono", rate=codec_rate, frame_size=stream.frame_size or 0)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        frame.pts, frame.time_base = 0, Fraction(1, rate)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
        if picture is not None:
            for _ in range(5):
                container.mux(picture.encode(av.VideoFrame(32, 32, "yuv420p")))
            container.mux(picture.encode(None))
    return file.getvalue()


def sparse_wav(path: Path, seconds: int, rate: int = 200) -> Path:
    """Write a WAV of silence, 8 bit, that takes no room on the disk, however long it is."""
    n_bytes = seconds * rate
    sizes = (n_bytes + 36, 16, 1, 1, rate, rate, 1, 8, n_bytes)
    form = struct.pack("<IHHIIHH", *sizes[1:8])
    header = b"RIFF" + struct.pack("<I", sizes[0]) + b"WAVEfmt " + form + b"data" + struct.pack("<I", sizes[8])
    with path.open("wb") as file:
        file.write(header)
        file.truncate(n_bytes + len(header))
    return path


def endless_flac(samples: numpy.ndarray) -> bytes:
    """Return a FLAC as a recorder writes it while it runs: its header does not know how long it is."""
    data = bytearray(encoded(samples, "flac"))
    data[21] &= 0xF0  # of the number of samples, 36 bits
    data[22:26] = bytes(4)
    return bytes(data)


@cache
def meeting() -> numpy.ndarray:
    """Return the sample meeting, int16, mono, RATE."""
    from assets.samples_src.meeting_sound import decoded

    return decoded(MEETING.read_bytes(), "ogg")
