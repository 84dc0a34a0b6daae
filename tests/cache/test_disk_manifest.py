"""longdoc/cache/manifest.py: a manifest is understood whole or refused."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from longdoc.cache.manifest import Extent, Manifest, parse_manifest
from longdoc.errors import CacheError

MANIFEST = Manifest(
    "local",
    "fingerprint",
    "0" * 64,
    300,
    "bfloat16",
    ((2, 8, 8), (2, 8, 8)),
    ("lease",),
    {"model": "reader"},
    1.5,
    (Extent(0, 100, 12800, "00000000"), Extent(100, 250, 19200, "ffffffff")),
)


def signed(fields: dict) -> bytes:
    body = json.dumps(fields).encode()
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body + b"\n"


def fields() -> dict:
    return json.loads(MANIFEST.to_bytes().split(b"\n")[1])


def test_a_manifest_comes_back_as_it_was():
    assert parse_manifest(MANIFEST.to_bytes()) == MANIFEST
    assert MANIFEST.n_tokens == 250
    assert not MANIFEST.whole


@profile(deadline=None)
@given(st.integers(0, len(MANIFEST.to_bytes()) - 2), st.integers(0, 7))
def test_any_flipped_bit_is_noticed(at, bit):
    data = bytearray(MANIFEST.to_bytes())
    data[at] ^= 1 << bit
    with pytest.raises(CacheError):
        parse_manifest(bytes(data))


@profile(deadline=None)
@given(st.integers(0, len(MANIFEST.to_bytes()) - 2))
def test_any_truncation_is_noticed(length):
    with pytest.raises(CacheError):
        parse_manifest(MANIFEST.to_bytes()[:length])


@profile(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_and_nothing_else_happens(data):
    with pytest.raises(CacheError):
        parse_manifest(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.update(dtype="int3"),
        lambda f: f.update(unknown=1),
        lambda f: f.pop("owner"),
        lambda f: f.update(n_planned=100),
        lambda f: f.update(layers=[[1, 2]]),
        lambda f: f.update(tokens_sha256="../../etc/passwd"),
        lambda f: f["extents"][1].update(start=101),
        lambda f: f["extents"][0].update(n_bytes=1),
        lambda f: f["extents"][0].update(end=-1),
        lambda f: f["extents"].reverse(),
        lambda f: f.update(extents="none"),
    ],
)
def test_figures_that_do_not_add_up_are_refused_even_when_signed(change):
    changed = fields()
    change(changed)
    with pytest.raises(CacheError) as error:
        parse_manifest(signed(changed))
    assert error.value.code == "damaged"


def test_another_format_is_said_to_be_one():
    changed = fields() | {"format": 99}
    with pytest.raises(CacheError, match="format 99") as error:
        parse_manifest(signed(changed))
    assert error.value.code == "version"
