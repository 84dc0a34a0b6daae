"""Tests of longdoc/answer/names.py."""

import numpy as np
import pytest
from standin import StandIn

from longdoc.answer.copying import copy_constraint
from longdoc.answer.names import NEAR_TOKENS, names, near_names
from longdoc.packing import Included, pack
from longdoc.types import Document


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (" What was Ana Quist's horse called?", ["Ana Quist"]),
        (" Does Ana Quist owe 1,240 euros?", ["Ana Quist", "1,240"]),
        (" What is the special magic number for damp-garlic?", ["damp-garlic"]),
        (" Short: Who signed the lease?", []),
        (" damp-garlic has which number?", ["damp-garlic"]),
        (" What does io.read_all return under section 3.1.2?", ["io.read_all", "3.1.2"]),
        (" when is the rent due?", []),
        ("", []),
    ],
)
def test_names_numbers_and_joined_words_of_a_question(question: str, found: list[str]) -> None:
    assert names(question) == found


FAR = " nothing" * NEAR_TOKENS


@pytest.fixture
def tokenizer():
    return StandIn().tokenizer


def near(question: str, text: str, tokenizer) -> str | None:
    """Return the text in which a quote may begin; the stand-in's tokens are bytes."""
    ids = np.asarray(tokenizer.ids(text), dtype=np.int64)
    mask = near_names(question, ids, tokenizer)
    return None if mask is None else tokenizer.decode(ids[mask].tolist())


def test_quotes_begin_near_the_name(tokenizer) -> None:
    found = near("Where did Ana Quist go?", f"Bo went home.{FAR} Ana Quist went out. She met Bo.{FAR}", tokenizer)
    assert "Ana Quist went out. She met Bo." in found
    assert "went home" not in found


def test_where_no_name_occurs_every_place_is_open(tokenizer) -> None:
    assert near("Where did Ana Quist go?", "Bo went home.", tokenizer) is None
    assert near("Where is it?", "Ana went home.", tokenizer) is None


def test_a_name_in_parts_is_found_by_its_parts(tokenizer) -> None:
    assert "Miss Quist came" in near("Did Ana Quist come?", f"Bo.{FAR}{FAR} Miss Quist came.{FAR}", tokenizer)


def test_places_with_more_of_the_names_are_taken(tokenizer) -> None:
    text = f"Ana sold it.{FAR}{FAR} Ana sold the boat to Bo.{FAR}{FAR} Bo slept."
    found = near("What did Ana sell to Bo?", text, tokenizer)
    assert "sold the boat" in found
    assert "sold it" not in found
    assert "slept" not in found


def test_anywhere_leaves_every_place_open() -> None:
    backend = StandIn()
    special = backend.frame.special
    text = f"Xylo ran.{FAR}{FAR} Ana slept."
    prompt = pack(
        [Included(Document("a", "a", "a.txt", text), "a.txt", "marker")],
        "Did Ana sleep?",
        backend.tokenizer,
        backend.frame,
    )
    openings = {
        anywhere: copy_constraint(prompt, special, backend.tokenizer, anywhere=anywhere).allowed([special.quote])
        for anywhere in (False, True)
    }
    x = backend.tokenizer.ids("X")[0]
    assert x in openings[True]
    assert x not in openings[False]
