"""longdoc/cache/kv_dtypes.py, quantise.py, layout.py: what a form keeps, and what it costs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.cache import kv_dtypes
from longdoc.cache.layout import LayerShape, Layout, rows_of
from longdoc.cache.quantise import decode, decode_pair, encode, encode_pair
from longdoc.errors import UserError

FORMS = ["bf16", "fp8", "int8", "float32", "float16", "float64"]
# Largest error, as a share of the row's largest number: rounding, then that of the dtype computed in.
SHARE = {"bf16": 2**-8, "fp8": 2**-4 + 2**-8, "int8": 1 / 254 + 2**-8, "float32": 1e-7, "float16": 2**-10, "float64": 0}


def slow(form: str, row: list[float]) -> list[float]:
    """One row there and back in plain Python, up to bfloat16's rounding of the scale."""
    largest = {"int8": 127.0, "fp8": 448.0}[form]
    scale = float(torch.tensor(max(abs(x) for x in row) / largest).to(torch.bfloat16)) or 1.0
    if form == "int8":
        return [max(min(round(x / scale), 127), -127) * scale for x in row]
    grid = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn).double()
    grid = grid[~grid.isnan()].tolist()
    return [min(grid, key=lambda q: (abs(q - x / scale), abs(q) > abs(x / scale))) * scale for x in row]


@pytest.mark.parametrize("form", ["int8", "fp8"])
@settings(max_examples=30, deadline=None)
@given(row=st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=6))
def test_a_narrow_row_is_what_the_formula_says(form: str, row: list[float]) -> None:
    kv = kv_dtypes.parse(form)
    found = decode(kv.keys, encode(kv.keys, torch.tensor([[row]])), torch.float64)[0, 0]
    step = max(abs(x) for x in row) / (127 if form == "int8" else 14)  # a tie may fall to either side
    for x, got, want in zip(row, found.tolist(), slow(form, row), strict=True):
        assert got == pytest.approx(want, rel=1e-6, abs=1e-30) or abs(abs(x - got) - abs(x - want)) <= step * 1e-5


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1e-3, 1.0, 300.0])
def test_no_number_is_further_off_than_stated(form: str, size: float) -> None:
    kv = kv_dtypes.parse(form)
    rows = torch.randn(2, 500, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * size
    found = decode(kv.keys, encode(kv.keys, rows), getattr(torch, kv.compute)).double()
    share = ((found - rows).abs().amax(-1) / rows.abs().amax(-1)).max()
    assert float(share) <= SHARE[form]


@pytest.mark.parametrize("form", ["int8", "fp8"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_row_that_overflowed_is_not_made_to_look_sound(form: str, bad: float) -> None:
    kv = kv_dtypes.parse(form)
    rows = torch.randn(1, 3, 8)
    rows[0, 1, 2] = bad
    found = decode(kv.keys, encode(kv.keys, rows), torch.bfloat16)
    assert found[0, 1].isnan().any()
    assert found[0, [0, 2]].isfinite().all()


@pytest.mark.parametrize("form", ["int8", "fp8"])
def test_zeros_stay_zeros(form: str) -> None:
    kv = kv_dtypes.parse(form)
    assert not decode(kv.keys, encode(kv.keys, torch.zeros(1, 2, 8)), torch.bfloat16).any()


def test_every_fp8_number_is_widened_exactly() -> None:
    numbers = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn).view(1, 256, 1)
    scale = torch.ones(1, 256, 1, dtype=torch.bfloat16)
    found = decode(kv_dtypes.parse("fp8").keys, [numbers, scale], torch.bfloat16).flatten()
    wanted = numbers.flatten().to(torch.float32).to(torch.bfloat16)
    finite = ~wanted.isnan()
    assert torch.equal(found[finite], wanted[finite])
    assert int(finite.sum()) == 254


def test_keys_and_values_take_forms_of_their_own() -> None:
    kv = kv_dtypes.parse("int8/bf16")
    keys, values = torch.randn(1, 5, 8), torch.randn(1, 5, 4)
    strips = encode_pair(kv, keys, values)
    assert [strip.dtype for strip in strips] == [torch.int8, torch.bfloat16, torch.bfloat16]
    found = decode_pair(kv, strips, torch.bfloat16)
    assert torch.equal(found[1], values.bfloat16())
    assert float((found[0].float() - keys).abs().max()) < 0.03
    assert (kv.name, kv.stored, kv.compute) == ("int8/bf16", "int8/bfloat16", "bfloat16")


@pytest.mark.parametrize("name", [*FORMS, "int8/bf16", "bf16/fp8", "fp8/int8"])
def test_names_and_sizes_agree_with_the_tensors(name: str) -> None:
    kv = kv_dtypes.parse(name)
    assert kv_dtypes.from_stored(kv.stored) == kv
    assert kv_dtypes.parse(kv.name) == kv
    shapes = (LayerShape(2, 8, 4), LayerShape(1, 16, 16))
    layout = Layout(shapes, kv)
    strips = [
        strip
        for s in shapes
        for strip in encode_pair(
            kv, torch.randn(s.num_kv_heads, 7, s.key_dim), torch.randn(s.num_kv_heads, 7, s.value_dim)
        )
    ]
    assert sum(strip.nbytes for strip in strips) == 7 * layout.token_bytes
    raw = torch.cat([strip.contiguous().view(torch.uint8).flatten() for strip in strips])
    views = [view for layer in layout.views(raw, 7) for view in layer]
    assert all(torch.equal(a, b) for a, b in zip(views, strips, strict=True))


def test_bytes_at_odd_places_are_copied_and_right() -> None:
    layout = Layout((LayerShape(1, 1, 1),), kv_dtypes.parse("int8"))
    strips = encode_pair(layout.kv, torch.randn(1, 3, 1), torch.randn(1, 3, 1))
    raw = torch.cat([strip.view(torch.uint8).flatten() for strip in strips])
    assert all(torch.equal(a, b) for a, b in zip(layout.views(raw, 3)[0], strips, strict=True))


@pytest.mark.parametrize("rows", [128, 100])
def test_chosen_blocks_are_the_rows_of_each_head(rows: int) -> None:
    strip = torch.arange(2 * rows * 3).view(2, rows, 3)
    blocks = torch.tensor([[1, 0], [0, 1]])
    found = rows_of(strip, blocks, 64)
    for head in range(2):
        for at, block in enumerate(blocks[head].tolist()):
            for row in range(64):
                wanted = strip[head, min(block * 64 + row, rows - 1)]
                assert torch.equal(found[head, at * 64 + row], wanted)


@pytest.mark.parametrize("name", ["int3", "", "int8/", "bf16/int8/fp8", "bfloat16"])
def test_an_unknown_form_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UserError, match="cannot be kept") as error:
        kv_dtypes.parse(name)
    assert "int8" in error.value.next_step


@pytest.mark.parametrize("name", ["int3", "bf16", "int8/bfloat16/int8"])
def test_an_unknown_form_in_a_manifest_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="unknown"):
        kv_dtypes.from_stored(name)
