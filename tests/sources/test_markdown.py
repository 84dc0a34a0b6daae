"""Markdown is kept as it is; its headings, and nothing that only looks like one, become sections."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.settings import Settings
from longdoc.sources.loaded import Loaded
from longdoc.sources.markdown import load_markdown, markdown_headings


def read(tmp_path: Path, text: str) -> Loaded:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    return load_markdown(path, "a.md", Settings(), lambda *step: None, {})


def test_text_is_unchanged_and_sections_run_to_the_next_heading(tmp_path: Path):
    text = "before\n\n# Lease\n\nText\n\n## Rent *table* ##\n\n| a | b |\n\nNotice\n------\n\nninety days"
    loaded = read(tmp_path, text)
    assert loaded.text == text
    assert [(s.kind, s.level, s.label) for s in loaded.segments] == [
        ("section", 1, "Lease"),
        ("section", 2, "Rent table"),
        ("section", 2, "Notice"),
    ]
    assert loaded.text[loaded.segments[1].start : loaded.segments[1].end] == "## Rent *table* ##\n\n| a | b |\n\n"
    assert loaded.title == "Lease"


@pytest.mark.parametrize(
    "text",
    [
        "```\n# not a heading\n```\n",
        "~~~~\n```\n# still inside\n~~~\n~~~~\n",
        "```python\n# unclosed\n",
        "---\ntitle: x\n# comment\n---\ntext\n",
        "#hashtag\n",
        "    # indented code\n",
        "- item\n---\n",
        "| a |\n---\n",
        "text\n\n---\n",
        "####### seven\n",
    ],
)
def test_what_only_looks_like_a_heading_is_none(text: str):
    assert markdown_headings(text) == []


@pytest.mark.parametrize(
    ("text", "level", "label"),
    [
        ("# [Link](https://example.org) and `code`", 1, "Link and code"),
        ("   ### three spaces ###  ", 3, "three spaces"),
        ("Under\n=====", 1, "Under"),
        ("```\ncode\n```\n# after", 1, "after"),
        ("# C#", 1, "C#"),
        ("#", 1, "#"),
    ],
)
def test_headings_of_every_form(text: str, level: int, label: str):
    ((_, found_level, found_label),) = markdown_headings(text)
    assert (found_level, found_label) == (level, label)


def test_text_without_a_heading_has_no_sections(tmp_path: Path):
    loaded = read(tmp_path, "only words\n")
    assert (loaded.text, loaded.segments, loaded.title) == ("only words\n", (), "a.md")


def test_the_title_of_the_front_matter_wins(tmp_path: Path):
    assert read(tmp_path, '---\ntitle: "The Lease"\n---\n# Other\n').title == "The Lease"


@given(st.text(st.sampled_from("#=-`~ \nab|>*"), max_size=200))
def test_headings_are_in_order_and_begin_at_line_starts(text: str):
    starts = [start for start, _, _ in markdown_headings(text)]
    assert starts == sorted(set(starts))
    assert all(start == 0 or text[start - 1] == "\n" for start in starts)
