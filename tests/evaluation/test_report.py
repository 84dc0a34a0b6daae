"""Rows keep the contract of `evaluate --json`; tables and plots show them."""

import json
from pathlib import Path

import pytest

from longdoc.errors import UserError
from longdoc.evaluation import plot, report
from longdoc.evaluation.results import Record

CONTRACT = ["length", "position_method", "attention", "depth", "mode", "metric", "n", "score", "low", "high"]


def records() -> list[Record]:
    made = []
    for method in ("none", "yarn"):
        for length in (1024, 2048):
            for at in range(10):
                labels = {
                    "length": length,
                    "position_method": method,
                    "attention": "dense",
                    "mode": "single",
                    "depth": at % 2 / 2,
                    "form": "a" if at < 3 else "b",
                }
                right = float(method == "yarn" or at < 5)
                made.append(Record(f"{method}{length}{at}", labels, {"exact": right, "f1": right}, str(at), "", (), ""))
    return made


def test_rows_carry_the_fields_of_the_contract() -> None:
    rows = report.rows(records(), [(), ("depth",)])
    for row in rows:
        assert [name for name in CONTRACT if name in row] == CONTRACT
        assert 0 <= float(row["low"] or 0) <= float(row["score"] or 0) <= float(row["high"] or 0) <= 1
    printed = json.loads(json.dumps(report.as_json("needle", "m", rows, {})))
    assert (printed["task"], printed["model"], len(printed["rows"])) == ("needle", "m", 4 * 2 + 4 * 2 * 2)


def test_rows_group_by_way_length_and_label() -> None:
    rows = report.rows(records(), [(), ("form",)])
    whole = {(r["position_method"], r["length"]): r["score"] for r in rows if "form" not in r and r["metric"] == "f1"}
    assert whole == {("none", 1024): 0.5, ("none", 2048): 0.5, ("yarn", 1024): 1.0, ("yarn", 2048): 1.0}
    counts = {r["form"]: r["n"] for r in rows if "form" in r}
    assert counts == {"a": 3, "b": 7}


def test_records_without_a_label_are_in_no_group_of_it() -> None:
    record = Record("k", {"length": 1, "mode": "single"}, {"found": 1.0}, "g", "", (), "")
    assert report.rows([record], [("depth",)]) == []


def test_the_table_names_what_is_the_same_once_and_aligns_the_rest() -> None:
    text = report.table(report.rows(records(), [()]))
    lines = text.splitlines()
    assert lines[0] == "attention dense, mode single"
    assert "attention" not in lines[1]
    assert len({line.index("exact") for line in lines[3:] if "exact" in line}) == 1
    assert "50.0" in text
    assert "100.0" in text
    assert report.table([]) == "Nothing was measured."


def test_depths_become_a_map_for_each_way() -> None:
    text = report.table(report.rows(records(), [(), ("depth",)]))
    maps = text.split("\n\n")[1:]
    assert [one.splitlines()[0] for one in maps] == [
        "exact by depth and length, position none",
        "exact by depth and length, position yarn",
    ]
    assert maps[0].splitlines()[1].split() == ["depth", "1,024", "2,048"]
    assert [line.split() for line in maps[0].splitlines()[3:]] == [["0", "60", "60"], ["0.5", "40", "40"]]


def test_figures_that_are_no_shares_are_not_shown_as_percent() -> None:
    row = {"length": 2048, "unit": "ratio", "metric": "perplexity", "n": 3, "score": 41.5, "low": 40.0, "high": 43.25}
    assert "41.50  40.00 - 43.25" in report.table([row])


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_plot_is_written(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "new" / f"plot.{ending}"
    plot.save_plot(path, "needle", "m", report.rows(records(), [(), ("depth",)]))
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert path.read_bytes().startswith(begins)


def test_a_plot_of_one_length_or_nothing_works_too(tmp_path: Path) -> None:
    one = [record for record in records() if record.labels["length"] == 1024]
    plot.save_plot(tmp_path / "a.png", "qa", "m", report.rows(one, [("form",)]))
    plot.save_plot(tmp_path / "b.png", "qa", "m", [])
    assert (tmp_path / "a.png").stat().st_size > 5000
    assert (tmp_path / "b.png").exists()


def test_names_that_are_no_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a name for a plot"):
        plot.save_plot(tmp_path / "plot.txt", "qa", "m", [])
