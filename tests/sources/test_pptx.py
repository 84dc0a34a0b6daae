"""PowerPoint files: slides with their titles, tables, charts and notes, in order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources import load
from longdoc.sources.loaded import Loaded
from longdoc.sources.pptx import load_pptx

BOX = (Inches(1), Inches(2), Inches(4), Inches(2))


def save(path: Path, write: Callable[[Any], None]) -> Path:
    show = pptx.Presentation()
    write(show)
    show.save(str(path))
    return path


def add_slide(show: Any, title: str, body: str = "") -> Any:
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = title
    slide.placeholders[1].text = body
    return slide


def read(path: Path) -> Loaded:
    return load_pptx(path, path.name, Settings(), lambda done, total, what: None, {})


def test_slides_are_segments_with_their_number(tmp_path: Path) -> None:
    def write(show: Any) -> None:
        add_slide(show, "Budget", "Forty thousand euros\nfor two quarters")
        add_slide(show, "Dates", "The launch is on 9 June")

    loaded = read(save(tmp_path / "a.pptx", write))
    assert loaded.text == (
        "Slide 1\nBudget\nForty thousand euros\nfor two quarters\n\nSlide 2\nDates\nThe launch is on 9 June\n\n"
    )
    assert [(s.label, s.page) for s in loaded.segments] == [("slide 1", 1), ("slide 2", 2)]
    assert [loaded.text[s.start : s.end].split("\n")[1] for s in loaded.segments] == ["Budget", "Dates"]


def test_slides_stand_in_the_order_of_the_show(tmp_path: Path) -> None:
    def write(show: Any) -> None:
        add_slide(show, "Made first")
        add_slide(show, "Made second")
        listed = show.slides._sldIdLst
        listed.append(listed[0])  # moves it to the end

    text = read(save(tmp_path / "a.pptx", write)).text
    assert text.index("Made second") < text.index("Made first")


def test_tables_groups_and_notes_are_read_and_the_title_comes_first(tmp_path: Path) -> None:
    def write(show: Any) -> None:
        slide = show.slides.add_slide(show.slide_layouts[5])
        table = slide.shapes.add_table(2, 2, *BOX).table
        for k, value in enumerate(["Item", "Cost", "Crane", "9,400"]):
            table.cell(k // 2, k % 2).text = value
        group = slide.shapes.add_group_shape()
        group.shapes.add_textbox(*BOX).text_frame.text = "Inside a group"
        slide.shapes.title.text = "Costs"
        slide.shapes._spTree.append(slide.shapes.title._element)
        slide.notes_slide.notes_text_frame.text = "Say that the crane is hired."

    assert read(save(tmp_path / "a.pptx", write)).text == (
        "Slide 1\nCosts\nItem | Cost\nCrane | 9,400\nInside a group\nNotes: Say that the crane is hired.\n\n"
    )


def test_a_chart_gives_its_numbers(tmp_path: Path) -> None:
    def write(show: Any) -> None:
        data = CategoryChartData()
        data.categories = ["2023", "2024"]
        data.add_series("Visitors", (120, 180))
        slide = show.slides.add_slide(show.slide_layouts[6])
        chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *BOX, data).chart
        chart.has_title = True
        chart.chart_title.text_frame.text = "Harbour museum"

    assert "Chart: Harbour museum\nVisitors | 2023: 120 | 2024: 180" in read(save(tmp_path / "a.pptx", write)).text


def test_hidden_slides_are_read_and_said(tmp_path: Path) -> None:
    def write(show: Any) -> None:
        add_slide(show, "Shown")
        add_slide(show, "Backup")._element.set("show", "0")

    loaded = read(save(tmp_path / "a.pptx", write))
    assert "Backup" in loaded.text
    assert [(warned.code, warned.where) for warned in loaded.warnings] == [("hidden_slides", "2")]


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: float) -> None:
    path = save(tmp_path / "a.pptx", lambda show: add_slide(show, "Title"))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(SourceError) as caught:
        load(path, settings=Settings(home=tmp_path))
    assert caught.value.code == "damaged"


def test_segments_survive_the_child_process(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pptx", lambda show: add_slide(show, "Title", "Body"))
    _, document = load(path, settings=Settings(home=tmp_path))
    assert document.loader == "pptx"
    assert [document.text[s.start : s.end] for s in document.segments] == ["Slide 1\nTitle\nBody\n\n"]
