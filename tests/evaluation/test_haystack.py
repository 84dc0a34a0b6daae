"""Unseen text is really unseen, of the right length, and needles stand where they were put."""

import json
import lzma
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standin import byte_tokenizer

from longdoc.errors import UserError
from longdoc.evaluation.haystack import (
    Book,
    Filler,
    Sentence,
    counted,
    held_out_count,
    held_out_texts,
    insert,
    open_books,
    sentences,
)
from models.recipe.shards import training_texts

LONG = Filler([Book("b", "One short sentence here. Another sentence follows it.\n" * 400)], byte_tokenizer())


def write_shards(data: Path, sizes: dict[str, list[int]]) -> None:
    (data / "pretrain").mkdir(parents=True)
    for category, shards in sizes.items():
        for number, n_rows in enumerate(shards):
            rows = [{"path": f"{number}-{at}.txt", "text": f"{category} {number} {at}"} for at in range(n_rows)]
            with lzma.open(data / "pretrain" / f"{category}-{number:03d}.jsonl.xz", "wt") as file:
                file.write("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize("last_shard", [9, 100, 159, 161, 1000])
def test_held_out_texts_are_exactly_those_that_training_leaves_out(tmp_path: Path, last_shard: int) -> None:
    write_shards(tmp_path, {"books": [30, last_shard]})
    trained = {item.text for item in training_texts(tmp_path, "books")}
    held_out = {book.text for book in held_out_texts(tmp_path)["books"]}
    assert not trained & held_out
    assert len(trained) + len(held_out) == 30 + last_shard
    assert len(held_out) == held_out_count(last_shard) >= min(8, last_shard)


def test_every_category_gives_the_end_of_its_last_shard(tmp_path: Path) -> None:
    write_shards(tmp_path, {"books": [12], "legal": [9, 10]})
    found = held_out_texts(tmp_path)
    assert set(found) == {"books", "legal"}
    assert [book.text for book in found["legal"]] == [f"legal 1 {at}" for at in range(2, 10)]
    assert set(held_out_texts(tmp_path, "books")) == {"books"}


def test_a_folder_without_text_is_refused(tmp_path: Path) -> None:
    for ask in (
        lambda: held_out_texts(tmp_path),
        lambda: open_books(tmp_path),
        lambda: open_books(tmp_path / "no.txt"),
    ):
        with pytest.raises(UserError):
            ask()


def test_a_damaged_shard_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "pretrain").mkdir()
    (tmp_path / "pretrain" / "books-000.jsonl.xz").write_bytes(b"no archive")
    with pytest.raises(UserError, match=r"books-000\.jsonl\.xz is not a shard"):
        held_out_texts(tmp_path)


def test_text_files_of_a_folder_are_books(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("Second.")
    (tmp_path / "a.txt").write_text("First.")
    assert [book.name for book in open_books(tmp_path)] == ["a.txt", "b.txt"]


@given(st.text(alphabet="ab.!? \n\"'”", max_size=200))
def test_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(sentences(text)) == text


@given(st.text(alphabet="aé. \n", min_size=1, max_size=100))
def test_counts_of_sentences_add_up_to_the_tokens_of_the_text(text: str) -> None:
    assert sum(one.n_tokens for one in counted(text, byte_tokenizer())) == len(byte_tokenizer().encode(text).ids)


def test_sentences_end_at_marks_not_at_decimal_points() -> None:
    assert sentences('It cost 3.50 euros. "Too much!" he said to Mr. Vass.\nYes') == [
        "It cost 3.50 euros. ",
        '"Too much!" ',
        "he said to Mr. Vass.\n",
        "Yes",
    ]


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(200, 30_000))
def test_a_piece_is_never_longer_than_asked_and_nearly_as_long(seed: int, n_tokens: int) -> None:
    taken = sum(one.n_tokens for one in LONG.piece(n_tokens, random.Random(seed)))
    assert n_tokens - 60 <= taken <= n_tokens


def test_text_too_short_begins_again(filler: Filler) -> None:
    small = Filler([Book("b", "Only this sentence stands here.\n")], byte_tokenizer())
    assert sum(one.n_tokens for one in small.piece(1000, random.Random(0))) > 900


def test_an_empty_book_is_refused() -> None:
    with pytest.raises(UserError, match="empty"):
        Filler([Book("b", " \n")], byte_tokenizer())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_needles_stand_whole_at_their_depth_and_in_order(depths: list[float]) -> None:
    hay = [Sentence(f"Sentence number {at}. ", 10) for at in range(100)]
    needles = [(depth, f"Needle {at}X.") for at, depth in enumerate(sorted(depths))]
    text = insert(hay, needles)
    places = [text.index(needle) for _, needle in needles]
    assert places == sorted(places)
    bare = text
    for _, needle in needles:
        bare = bare.replace(needle + " ", "", 1).replace(needle, "", 1)
    assert bare.split() == "".join(one.text for one in hay).split()
    for place, (depth, _) in zip(places, needles, strict=True):
        before = text[:place].count("Sentence number")
        assert abs(before / 100 - depth) <= 0.011
