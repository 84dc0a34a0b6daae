"""This ensures that every kind of recording is decoded as it sounds, and every bad one is told in one sentence."""

from __future__ import annotations

import io
import resource
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
from sounds import CONTAINERS, RATE, encoded, endless_flac, sparse_wav, tone, wav

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.listening import listen, recording_form
from longdoc.sources.magic import SOUND
from longdoc.speech.decoding import DEMUXERS, Recording
from longdoc.speech.engine import SpeechOptions


def decode(data: bytes, ending: str, *, start_s: float = 0.0, max_s: float = 1e5) -> tuple[numpy.ndarray, Recording]:
    form = {"m4a": "mp4", "opus": "ogg"}.get(ending, ending)
    recording = Recording(io.BytesIO(data), form, f"call.{ending}", max_s)
    pieces = list(recording.pieces(start_s))
    assert all(len(piece) <= RATE // 2 for piece in pieces)
    return (numpy.concatenate(pieces) if pieces else numpy.empty(0, numpy.int16)), recording


def heard_or_refused(data: bytes, ending: str) -> tuple[str, int]:
    """Return the code of the refusal, or "" and the number of samples."""
    try:
        samples, recording = decode(data, ending)
        recording.told.finish("call")
    except SourceError as error:
        return error.code, 0
    return "", len(samples)


def hertz(samples: numpy.ndarray) -> float:
    """Return the strongest frequency."""
    spectrum = numpy.abs(numpy.fft.rfft(samples.astype(float)))
    return float(spectrum.argmax() * RATE / len(samples))


def test_every_container_that_is_recognised_has_its_demuxer() -> None:
    assert set(SOUND) == set(DEMUXERS)


@pytest.mark.parametrize("ending", CONTAINERS)
def test_a_tone_sounds_the_same_from_every_container(ending: str, tmp_path: Path) -> None:
    data = encoded(tone(2), ending, with_picture=ending == "mp4")
    path = tmp_path / f"call.{ending}"
    path.write_bytes(data)
    assert recording_form(path, path.name, Settings(home=tmp_path)) in SOUND
    samples, recording = decode(data, ending)
    assert len(samples) / RATE == pytest.approx(2, abs=0.15)
    assert hertz(samples) == pytest.approx(440, abs=2)
    recording.told.finish("call")
    assert not recording.told.n_damaged


@pytest.mark.parametrize(
    ("rate", "n_channels", "width"), [(8_000, 1, 1), (96_000, 1, 2), (44_100, 2, 4), (48_000, 8, 2), (11_025, 1, 2)]
)
def test_odd_rates_channels_and_widths_sound_the_same(rate: int, n_channels: int, width: int) -> None:
    samples, _ = decode(wav(tone(1, rate), rate, n_channels=n_channels, width=width), "wav")
    assert len(samples) / RATE == pytest.approx(1, abs=0.01)
    assert hertz(samples) == pytest.approx(440, abs=2)


def test_resuming_gets_the_very_samples_that_come_after() -> None:
    sound = numpy.random.default_rng(1).integers(-9000, 9000, 3 * RATE).astype(numpy.int16)
    for ending in ("flac", "mp3", "opus"):
        data = encoded(sound, ending)
        whole, _ = decode(data, ending)
        rest, _ = decode(data, ending, start_s=1.25)
        assert numpy.array_equal(rest, whole[round(1.25 * RATE) :])


def test_a_truncated_recording_is_heard_as_far_as_it_goes_and_says_so() -> None:
    data = wav(tone(6))
    samples, recording = decode(data[: len(data) // 2], "wav")
    recording.told.finish("call.wav")
    assert len(samples) / RATE == pytest.approx(3, abs=0.1)
    # A WAV cut short may lose its declared length as well: then there is nothing to compare with.
    for code, message in recording.told.notes:
        assert (code, "cut off" in message) == ("truncated", True)


@pytest.mark.parametrize("ending", ["mp3", "flac", "ogg", "webm", "m4a"])
def test_files_cut_anywhere_are_heard_or_refused_never_worse(ending: str) -> None:
    data = encoded(tone(3), ending)
    for share in (0.02, 0.3, 0.7, 0.95):
        code, n_samples = heard_or_refused(data[: int(len(data) * share)], ending)
        assert code in ("damaged", "no_audio") if code else n_samples > 0


@pytest.mark.parametrize("ending", ["flac", "mp3"])
def test_a_damaged_middle_is_told_and_the_rest_is_heard(ending: str) -> None:
    data = bytearray(encoded(tone(12), ending))
    first, last = int(len(data) * 0.3), int(len(data) * 0.7)
    data[first:last] = b"\xff" * (last - first)
    samples, recording = decode(bytes(data), ending)
    recording.told.finish("call")
    assert {code for code, _ in recording.told.notes} & {"damaged_audio", "gaps", "truncated"}
    assert hertz(samples[: 3 * RATE]) == pytest.approx(440, abs=2)
    if ending == "flac":  # its frames carry times: what comes after the gap keeps its place
        assert len(samples) / RATE == pytest.approx(12, abs=0.1)
        assert not samples[round(5.5 * RATE) : round(6.5 * RATE)].any()
        assert hertz(samples[-3 * RATE :]) == pytest.approx(440, abs=2)


def test_a_flac_that_decodes_to_nothing_is_never_an_empty_success() -> None:
    data = bytearray(encoded(tone(3), "flac"))
    data[86:] = bytes(len(data) - 86)  # the header stays
    assert heard_or_refused(bytes(data), "flac")[0] in ("no_audio", "damaged")


@pytest.mark.parametrize("data", [wav(tone(0)), wav(tone(1))[:44], encoded(tone(0.5), "flac")[:86]])
def test_a_header_without_samples_is_told(data: bytes) -> None:
    ending = "wav" if data[:4] == b"RIFF" else "flac"
    assert heard_or_refused(data, ending)[0] in ("no_audio", "damaged")


def test_a_film_without_sound_is_told() -> None:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 32
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(SourceError, match="pictures but no sound"):
        decode(file.getvalue(), "mp4")


def test_a_day_of_sound_is_refused_before_any_of_it_is_decoded(tmp_path: Path) -> None:
    path = sparse_wav(tmp_path / "day.wav", 24 * 3600)
    with (
        path.open("rb") as file,
        pytest.raises(SourceError, match=r"day\.wav lasts 24 hours, and LongDoc takes .* at most 12 hours") as caught,
    ):
        Recording(file, "wav", "day.wav", 12 * 3600.0)
    assert caught.value.code == "too_large"
    assert "Split it into parts" in caught.value.next_step
    assert "LONGDOC_MAX_RECORDING_S to 86400 " in caught.value.next_step


def test_a_recording_as_long_as_the_limit_is_decoded_to_its_end_in_bounded_memory(tmp_path: Path) -> None:
    path = sparse_wav(tmp_path / "long.wav", 1200)  # resampling from its 200 Hz adds some tenths of a second
    with path.open("rb") as file:
        recording = Recording(file, "wav", "long.wav", 1200.0)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        n_samples = sum(len(piece) for piece in recording.pieces())
        grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert n_samples / RATE == pytest.approx(1200, abs=0.5)
    assert grown_kb < 20_000  # all of it decoded takes 38 MB


def test_a_header_that_is_silent_about_the_length_does_not_get_past_the_limit() -> None:
    with pytest.raises(SourceError, match=r"call\.flac goes on after 2 s, and LongDoc takes") as caught:
        decode(endless_flac(tone(4)), "flac", max_s=2)
    assert caught.value.code == "too_large"


class _Ears:
    """A server on this machine that notes whether anybody calls."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.calls = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.calls += 1
            connection.close()


@pytest.fixture
def ears() -> Iterator[_Ears]:
    found = _Ears()
    yield found
    found.socket.close()


POSERS = {
    "hls.mp3": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
    "sdp.wav": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
    "concat.flac": "ffconcat version 1.0\nfile 'http://127.0.0.1:{port}/a.flac'\n",
    "url.ogg": "http://127.0.0.1:{port}/a.ogg\n",
    "notes.mp3": "These are the notes of the meeting, port {port}.\n",
}


@pytest.mark.parametrize("name", POSERS)
def test_text_posing_as_a_recording_is_refused_and_nobody_is_called(name: str, ears: _Ears, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(POSERS[name].format(port=ears.port))
    with pytest.raises(SourceError, match="is not a recording that can be read") as caught:
        recording_form(path, name, Settings(home=tmp_path))
    assert caught.value.code == "unsupported"
    assert not ears.calls


@pytest.mark.parametrize("name", POSERS)
def test_even_behind_a_true_beginning_a_playlist_opens_nothing(name: str, ears: _Ears) -> None:
    text = POSERS[name].format(port=ears.port).encode()
    for magic, form in ((b"RIFF\xff\xff\xff\xffWAVE", "wav"), (b"fLaC", "flac"), (b"ID3", "mp3"), (b"OggS", "ogg")):
        with pytest.raises(SourceError):
            Recording(io.BytesIO(magic + text), form, name, 1e5).told.finish(name)
    assert not ears.calls


def test_an_address_in_place_of_a_path_is_not_found(ears: _Ears, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="was not found"):
        recording_form(Path(f"http://127.0.0.1:{ears.port}/a.wav"), "a.wav", Settings(home=tmp_path))
    assert not ears.calls


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"")
    with pytest.raises(SourceError, match="is empty"):
        recording_form(path, "a.wav", Settings(home=tmp_path))


def test_the_child_passes_its_errors_on_before_any_engine_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(tone(0)) + b"junk")
    events = listen(path, "wav", "a.wav", Settings(home=tmp_path), "no.such:engine", SpeechOptions())
    with pytest.raises(SourceError) as caught:
        list(events)
    assert caught.value.code in ("damaged", "no_audio")


def test_a_gap_in_the_times_is_silence_of_the_same_length() -> None:
    from fractions import Fraction

    import av

    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("flac", rate=RATE)
        stream.codec_context.layout = "mono"
        for begin_s in (0, 3):
            frame = av.AudioFrame.from_ndarray(tone(1).reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, begin_s * RATE, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    samples, _ = decode(file.getvalue(), "webm")
    assert len(samples) / RATE == pytest.approx(4, abs=0.35)
    assert not samples[round(1.5 * RATE) : round(2.5 * RATE)].any()
    assert samples[round(3.4 * RATE) : round(3.6 * RATE)].any()
