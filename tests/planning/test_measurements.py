"""longdoc/planning/measurements.py: from measured steps to predicted seconds."""

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from longdoc.planning import Measurements, Step, fit
from longdoc.settings import Settings
from longdoc.types import ModelInfo

INFO = ModelInfo("toy", "transformer", None, "A", 2048, 2048, 0, 64, 6, 5, 5, 1000, 4000, 10000.0)


def steps(a: float, b: float, size: int = 512, count: int = 6) -> list[Step]:
    return [
        Step(at, at + size, a * size + b * ((at + size) ** 2 - at**2)) for at in range(0, size * count, size)
    ]  # fmt: skip


@profile(deadline=None)
@given(st.floats(1e-6, 1e-2), st.floats(0, 1e-6), st.integers(0, 10**6), st.integers(1, 10**6))
def test_costs_are_found_again_and_extrapolated(a, b, start, length):
    cost = fit(steps(a, b))
    end = start + length
    assert cost.seconds(start, end) == pytest.approx(a * length + b * (end**2 - start**2), rel=1e-3)


@profile(deadline=None)
@given(st.lists(st.builds(Step, st.integers(0, 10**6), st.integers(0, 10**6), st.floats(-1, 100)), max_size=20))
def test_no_noise_makes_time_run_backwards(noisy):
    cost = fit(noisy)
    if cost is not None:
        assert cost.a >= 0
        assert cost.b >= 0


def test_a_few_disturbed_steps_do_not_bend_the_prediction():
    disturbed = steps(1e-3, 1e-7, count=12)
    for at in (2, 5, 11):
        disturbed[at] = Step(disturbed[at].start, disturbed[at].end, 30 * disturbed[at].seconds)
    assert fit(disturbed).seconds(0, 50_000) == pytest.approx(fit(steps(1e-3, 1e-7)).seconds(0, 50_000), rel=0.1)


def test_later_tokens_cost_more():
    cost = fit(steps(1e-3, 1e-7))
    assert cost.seconds(10_000, 11_000) > cost.seconds(0, 1000)


def test_what_was_measured_is_there_in_the_next_process(tmp_path):
    settings = Settings(home=tmp_path)
    assert Measurements.of(settings, INFO).prefill_s(0, 100) is None
    Measurements.of(settings, INFO).record(steps(1e-3, 1e-7), token_s=0.01)
    again = Measurements.of(settings, INFO)
    assert again.prefill_s(0, 1000) == pytest.approx(1.1, rel=1e-3)
    assert again.token_s == 0.01


def test_another_model_and_another_attention_have_measurements_of_their_own(tmp_path):
    settings = Settings(home=tmp_path)
    Measurements.of(settings, INFO).record(steps(1e-3, 0))
    assert Measurements.of(settings, INFO, "sparse").cost is None
    bigger = ModelInfo("toy", "transformer", None, "A", 2048, 2048, 0, 64, 12, 5, 5, 2000, 8000, 10000.0)
    assert Measurements.of(settings, bigger).cost is None


def test_old_reads_give_way_to_new_ones_and_the_file_stays_small(tmp_path):
    settings = Settings(home=tmp_path)
    for speed in [1e-2] * 3 + [1e-3] * 8:
        Measurements.of(settings, INFO).record(steps(speed, 0, count=400))
    assert Measurements.of(settings, INFO).prefill_s(0, 1000) == pytest.approx(1.0)
    (file,) = settings.measurements.iterdir()
    assert file.stat().st_size < 20_000


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"{}", b"[]", b'{"reads": [[{"start": "x"}]], "token_s": null}'])
def test_a_damaged_file_counts_as_not_measured_and_is_replaced(tmp_path, content):
    settings = Settings(home=tmp_path)
    Measurements.of(settings, INFO).record(steps(1e-3, 0))
    (file,) = settings.measurements.iterdir()
    file.write_bytes(content)
    assert Measurements.of(settings, INFO).cost is None
    Measurements.of(settings, INFO).record(steps(2e-3, 0))
    assert Measurements.of(settings, INFO).prefill_s(0, 1000) == pytest.approx(2.0)


def test_a_disk_that_refuses_costs_nothing_but_the_measurement(tmp_path):
    (tmp_path / "measurements").write_text("a file where a folder should be")
    measured = Measurements.of(Settings(home=tmp_path), INFO)
    measured.record(steps(1e-3, 0))
    assert measured.cost is not None
