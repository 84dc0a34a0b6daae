from __future__ import annotations

import pytest

from longdoc.answer import outline, part
from longdoc.errors import UserError
from longdoc.packing import Included
from longdoc.types import Document, Segment

LABELS = ("i", "ii", "1", "2", "3")
PAGES = tuple(Segment(n * 10, n * 10 + 10, "page", f"p. {label}", page=n + 1) for n, label in enumerate(LABELS))
LEASE = Included(Document("d", "s", "lease.pdf", "0123456789" * 5, PAGES), "lease.pdf", "m")

FILES = {
    "shop/cart.py": "import os\n\n\ndef total(x):\n    y = x + 1\n    return y\n",
    "tests/test_cart.py": "def test_total():\n    assert True\n",
    "tests/deep/test_b.py": "def test_b():\n    assert 1\n",
}


def shop() -> Included:
    text, segments = "", []
    for path, body in FILES.items():
        segments.append(Segment(len(text), len(text) + len(body), "file", path))
        text += body
    return Included(Document("d", "s", "shop.zip", text, tuple(segments)), "shop.zip", "m")


@pytest.mark.parametrize(
    ("spec", "ranges"),
    [
        ("1", ((20, 30),)),
        ("i-ii", ((0, 20),)),
        ("1-2, i", ((0, 10), (20, 40))),
        ("p. 3", ((40, 50),)),
        ("i-3", ((0, 50),)),
        ("5", ((40, 50),)),  # no page is printed 5: the fifth page of the file
    ],
)
def test_pages_are_chosen_by_their_printed_labels(spec: str, ranges: tuple[tuple[int, int], ...]) -> None:
    assert part(LEASE, spec).ranges == ranges


@pytest.mark.parametrize("spec", ["9", "x", "3-1", "", " , ", "1-"])
def test_pages_that_are_not_there_are_refused(spec: str) -> None:
    with pytest.raises(UserError):
        part(LEASE, spec)


def test_a_text_without_parts_says_so() -> None:
    with pytest.raises(UserError, match=r"no pages or sections"):
        part(Included(Document("d", "s", "a", "text"), "a.txt", "m"), "1")


def test_files_are_chosen_by_folder_name_or_pattern() -> None:
    item = shop()
    for spec in ("shop/", "shop", "shop/*.py", "shop/cart.py"):
        assert part(item, spec).ranges == ((0, len(FILES["shop/cart.py"])),)
    with pytest.raises(UserError, match=r"matches \*\.js"):
        part(item, "*.js")


def test_an_outline_keeps_definitions_and_leaves_other_files_whole() -> None:
    item = outline(shop(), ["tests/"])
    text = "".join(item.document.text[a:b] for a, b in item.ranges or ())
    assert text == FILES["shop/cart.py"] + "def test_total():\ndef test_b():\n"
    assert item.outline == {"tests/test_cart.py", "tests/deep/test_b.py"}
    with pytest.raises(UserError, match=r"matches nothing"):
        outline(shop(), ["nothing"])


def test_an_outline_of_a_part_stays_within_the_part() -> None:
    item = outline(part(shop(), "tests/"), ["tests/deep"])
    text = "".join(item.document.text[a:b] for a, b in item.ranges or ())
    assert text == FILES["tests/test_cart.py"] + "def test_b():\n"
