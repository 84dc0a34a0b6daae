"""Tests of longdoc/tokens.py with the bundled reader's tokenizer."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.errors import ModelError
from longdoc.formats import SPECIAL_TOKENS
from longdoc.tokens import TextTokenizer

READER = Path(__file__).parent.parent / "models" / "reader"
TOKENIZER = TextTokenizer.from_folder(READER)
SPECIAL = {TOKENIZER.special_id(token) for token in SPECIAL_TOKENS}


@given(st.text(max_size=200))
@settings(deadline=None)
def test_text_comes_back_and_offsets_cover_it(text: str) -> None:
    encoded = TOKENIZER.encode(text)
    assert TOKENIZER.decode(encoded.ids) == text
    assert list(encoded.ids) == TOKENIZER.ids(text)
    covered = {i for a, b in encoded.chars for i in range(a, b)}
    assert covered == set(range(len(text)))
    assert all(a[0] <= b[0] for a, b in zip(encoded.chars, encoded.chars[1:], strict=False))


@given(st.lists(st.sampled_from([*SPECIAL_TOKENS, "a", " ", "<", "|>", "<|bos|><|"]), max_size=12))
@settings(deadline=None)
def test_special_tokens_spelled_in_a_text_stay_plain_text(parts: list[str]) -> None:
    text = "".join(parts)
    encoded = TOKENIZER.encode(text)
    assert not SPECIAL & set(encoded.ids)
    assert TOKENIZER.decode(encoded.ids) == text


def test_digits_are_single_tokens() -> None:
    assert len(TOKENIZER.ids("1234567")) == 7


def test_a_folder_without_a_tokenizer_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no readable tokenizer\.json"):
        TextTokenizer.from_folder(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"no readable tokenizer\.json"):
        TextTokenizer.from_folder(tmp_path)
