"""A local recording to 16 kHz mono, piece by piece: bounded memory for any length.

Only an open file is given to the demuxer, and only with the format that its first bytes
name: no path, so no protocol, no URL, no playlist, nothing opened beside it. Runs in the
child process of longdoc/sources/listening.py. Times are kept: where the file has a gap
(a recording paused, a damaged part skipped) there is silence of the same length.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from longdoc.errors import SourceError
from longdoc.speech.engine import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy

# What the first bytes say -> the demuxer that may read it.
DEMUXERS = {
    "wav": "wav",
    "flac": "flac",
    "mp3": "mp3",
    "ogg": "ogg",  # Vorbis, Opus, FLAC, Speex in Ogg
    "mp4": "mov",  # M4A, MP4, MOV
    "webm": "matroska",
}

_PIECE = SAMPLE_RATE // 2  # samples handed on at a time
_GAP_S = 0.1  # a smaller jump of times is rounding
_MAX_BAD_IN_A_ROW = 2000  # damaged packets after which the rest is given up
_PROBE_BYTES = 4 << 20
_CUT_S = 1.0  # less missing or more at the end than this is rounding


@dataclass
class Decoded:
    """What became of a file, known for sure once all pieces were taken."""

    declared_s: float = 0.0  # as the header says; 0: it does not
    decoded_s: float = 0.0
    gap_s: float = 0.0  # silence put where the file has nothing
    n_damaged: int = 0  # packets that could not be decoded
    gave_up: str = ""  # why the rest was not read
    notes: list[tuple[str, str]] = field(default_factory=list)  # code, message

    @property
    def duration_s(self) -> float:
        return max(self.declared_s, self.decoded_s)

    def finish(self, name: str) -> None:
        """Write the notes. Raises SourceError `no_audio` if nothing at all was decoded."""
        from longdoc.speech.progress import clock

        if self.decoded_s <= 0:
            raise no_sound(name, self.declared_s, self.n_damaged)
        if self.n_damaged:
            parts = "1 damaged part" if self.n_damaged == 1 else f"{self.n_damaged:,} damaged parts"
            self.notes.append(("damaged_audio", f"{parts} of the recording could not be heard."))
        if self.gap_s > _CUT_S:
            self.notes.append(
                ("gaps", f"{clock(self.gap_s)} of the recording are missing or damaged; silence stands there.")
            )
        if self.declared_s - self.decoded_s > _CUT_S:
            self.notes.append(
                (
                    "truncated",
                    f"The recording ends at {clock(self.decoded_s)}, though it says that it lasts "
                    f"{clock(self.declared_s)}; it is cut off or damaged.",
                )
            )


class Recording:
    """An open recording. Raises SourceError: no_audio, too_large, damaged, unsupported."""

    def __init__(self, file: BinaryIO, form: str, name: str, max_s: float) -> None:
        import av
        import av.error

        self.name, self.max_s = name, max_s
        self.told = Decoded()
        try:
            self._container: Any = av.open(
                file,
                mode="r",
                format=DEMUXERS[form],
                metadata_errors="replace",
                # No protocol may be opened by a demuxer on its own account, whatever the file asks for.
                options={"protocol_whitelist": "none", "probesize": str(_PROBE_BYTES)},
            )
        except (av.error.FFmpegError, ValueError, OSError) as error:
            raise _unreadable(name) from error
        streams = self._container.streams.audio
        if not streams:
            is_film = bool(self._container.streams.video)
            self._container.close()
            raise SourceError(
                f"{name} has pictures but no sound." if is_film else f"{name} has no sound.",
                code="no_audio",
                next_step="Choose a recording with speech.",
            )
        self._stream = streams[0]
        # One thread: the limits of the child's address space count every thread's stack.
        self._stream.codec_context.thread_type = "NONE"
        self.told.declared_s = self._declared_s()
        if self.told.declared_s > max_s:
            self._container.close()
            raise too_long(name, self.told.declared_s, max_s)

    def close(self) -> None:
        self._container.close()

    def pieces(self, start_s: float = 0.0) -> Iterator[numpy.ndarray]:
        """Yield int16 mono at 16 kHz in pieces of at most half a second, from `start_s` on.

        What lies before is decoded and dropped, not sought: exact in every format. A damaged part is
        skipped and counted in `told`.
        """
        import numpy

        skip = round(start_s * SAMPLE_RATE)
        rest = numpy.empty(0, dtype=numpy.int16)
        for samples in self._samples():
            self.told.decoded_s += len(samples) / SAMPLE_RATE
            if self.told.decoded_s > self.max_s + _CUT_S:  # its header was silent about the length, or lied
                raise too_long(self.name, 0.0, self.max_s)
            if skip:
                dropped = min(skip, len(samples))
                skip, samples = skip - dropped, samples[dropped:]
            rest = numpy.concatenate((rest, samples)) if len(rest) else samples
            while len(rest) >= _PIECE:
                yield rest[:_PIECE]
                rest = rest[_PIECE:]
        if len(rest):
            yield rest

    def _samples(self) -> Iterator[numpy.ndarray]:
        """Yield all samples, with silence where times jump ahead."""
        import av
        import av.error
        import numpy

        resampler = self._resampler()
        n_out, origin_s = 0, None
        shape: tuple[Any, ...] | None = None
        for frame in self._frames():
            now = (frame.format.name, frame.layout.name, frame.sample_rate)
            if now != shape:  # the file changes its rate or channels midway
                if shape is not None:
                    resampler = self._resampler()
                shape = now
            if frame.pts is not None and frame.time_base is not None:
                time_s = float(frame.pts * frame.time_base)
                origin_s = time_s if origin_s is None else origin_s
                gap_s = time_s - origin_s - n_out / SAMPLE_RATE
                limit_s = (self.told.declared_s or self.max_s) - n_out / SAMPLE_RATE
                if _GAP_S < gap_s <= limit_s:
                    self.told.gap_s += gap_s
                    for silence in _silence(round(gap_s * SAMPLE_RATE)):
                        n_out += len(silence)
                        yield silence
            frame.pts = None
            try:
                resampled = resampler.resample(frame)
            except (av.error.FFmpegError, ValueError):
                self.told.n_damaged += 1
                continue
            for out in resampled:
                samples = out.to_ndarray().reshape(-1).astype(numpy.int16, copy=False)
                n_out += len(samples)
                yield samples
        try:
            rest = resampler.resample(None)
        except (av.error.FFmpegError, ValueError):  # nothing went in
            rest = []
        for out in rest:
            yield out.to_ndarray().reshape(-1).astype(numpy.int16, copy=False)

    def _frames(self) -> Iterator[Any]:
        """Yield decoded frames; packets that cannot be decoded are counted and skipped."""
        import av.error

        bad_in_a_row = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.error.FFmpegError, OSError) as error:
                self.told.n_damaged += 1
                self.told.gave_up = str(error)
                return
            try:
                frames = packet.decode()
            except av.error.EOFError:
                return
            except (av.error.FFmpegError, ValueError):
                self.told.n_damaged += 1
                bad_in_a_row += 1
                if bad_in_a_row > _MAX_BAD_IN_A_ROW:
                    self.told.gave_up = "damaged"
                    return
                continue
            for frame in frames:
                self.told.n_damaged += bool(frame.is_corrupt)
                if frame.samples:
                    bad_in_a_row = 0
                    yield frame

    def _resampler(self) -> Any:
        import av

        return av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)

    def _declared_s(self) -> float:
        import av

        stream = self._stream
        if stream.duration and stream.time_base:
            return max(0.0, float(stream.duration * stream.time_base))
        return max(0.0, float(self._container.duration or 0) / av.time_base)


def no_sound(name: str, declared_s: float = 0.0, n_damaged: int = 0) -> SourceError:
    """Return the error of a recording of which nothing could be decoded: never an empty success."""
    from longdoc.speech.progress import clock

    if n_damaged or declared_s > _CUT_S:
        length = f" of its {clock(declared_s)}" if declared_s else ""
        return SourceError(
            f"Nothing{length} in {name} could be decoded: it is damaged.",
            code="no_audio",
            next_step="Copy it again from where it was recorded, or convert it to WAV or FLAC first.",
        )
    return SourceError(
        f"{name} holds no sound: it has a header and no samples.",
        code="no_audio",
        next_step="Check that the recording was saved completely.",
    )


def too_long(name: str, seconds: float, max_s: float) -> SourceError:
    """Return the error of a recording longer than `max_s`; `seconds` 0: nobody knows how long it is."""
    lasts = f"lasts {_hours(seconds)}" if seconds else f"goes on after {_hours(max_s)}"
    needed = f"to {math.ceil(seconds)}" if seconds else "higher"
    return SourceError(
        f"{name} {lasts}, and LongDoc takes recordings of at most {_hours(max_s)}, so that one of them cannot keep "
        "this computer busy for days.",
        code="too_large",
        next_step=f"Split it into parts and add those, or set LONGDOC_MAX_RECORDING_S {needed} and restart LongDoc.",
    )


def _hours(seconds: float) -> str:
    """Return a length as people say it: "24 hours", "12.5 hours", "90 s"."""
    return f"{round(seconds / 3600, 1):g} hours" if seconds > 3600 else f"{seconds:g} s"


def _unreadable(name: str) -> SourceError:
    return SourceError(
        f"{name} is not a recording that can be read: it is damaged, cut off at its beginning, or something else.",
        code="damaged",
        next_step="Play it in another program; if that works, convert it to WAV or FLAC and add that.",
    )


def _silence(n_samples: int) -> Iterator[numpy.ndarray]:
    import numpy

    while n_samples > 0:
        n = min(n_samples, _PIECE)
        yield numpy.zeros(n, dtype=numpy.int16)
        n_samples -= n
