"""Ways of reading side by side: shares of the first way, what they cost, and tables of ways by lengths."""

import argparse
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rule_model import RuleModel, make_run

from longdoc.errors import UserError
from longdoc.evaluation import methods, needle, options, paired, plot, report
from longdoc.evaluation.asking import Way
from longdoc.evaluation.costs import costs
from longdoc.evaluation.haystack import Filler
from longdoc.evaluation.items import Reply
from longdoc.evaluation.results import Record, Results, keep_summary, read_summary
from longdoc.evaluation.runner import run_grid
from longdoc.types import Document, ReadingPlan, Usage


def record(at: int, right: bool, **labels: object) -> Record:
    known = {"length": 8192, "position_method": "none", "attention": "dense", "mode": "single", "distractors": 0}
    return Record(
        f"{at}{labels}", {**known, **labels}, {"exact": float(right)}, f"text {at // 5}", f"question {at}?", ("x",), "",
        "", 3.0, 2.0 if at % 5 == 0 else 0.0, 50 << 20, 4 << 20,
    )  # fmt: skip


def two_ways(n: int = 40) -> list[Record]:
    """Dense finds three of four; sparse finds the same but every tenth."""
    dense = [record(at, at % 4 != 0) for at in range(n)]
    return dense + [record(at, at % 4 != 0 and at % 10 != 1, attention="sparse") for at in range(n)]


# shares


def test_a_share_pairs_the_same_questions_only() -> None:
    dense, sparse = two_ways()[:40], two_ways()[40:]
    whole = paired.shares([*dense, *sparse], [()])
    assert [(row["attention"], row["of"], row["n"]) for row in whole] == [("sparse", "dense", 40)]
    assert whole[0]["score"] == round(whole[0]["own_score"] / whole[0]["of_score"], 4) == round(26 / 30, 4)
    assert 0 < whole[0]["low"] < whole[0]["score"] < whole[0]["high"]
    # Half of the questions, in another order: the first way counts on these alone.
    half = paired.shares([*dense, *sparse[::-2]], [()])
    own, of = ([one.scores["exact"] for one in part[1::2]] for part in (sparse, dense))
    assert (half[0]["n"], half[0]["of_score"]) == (20, sum(of) / 20)
    assert half[0]["score"] == round(sum(own) / sum(of), 4)


def test_shares_are_of_the_first_way_at_each_length_and_method_and_kind() -> None:
    grid = [
        record(at, at % 2 == 0, length=length, position_method=method, attention=attention, kv_dtype=form)
        for length in (2048, 8192)
        for method in ("none", "yarn")
        for attention in ("dense", "sparse")
        for form in ("bf16", "int8")
        for at in range(10)
    ]
    rows = paired.shares(grid, [("distractors",)])
    assert len(rows) == 2 * 2 * 3
    assert {row["of"] for row in rows} == {"dense, bf16"}
    assert {(row["attention"], row["kv_dtype"]) for row in rows} == {
        ("dense", "int8"), ("sparse", "bf16"), ("sparse", "int8"),
    }  # fmt: skip
    assert all(row["score"] == 1 for row in rows)


def test_where_the_first_way_found_nothing_there_is_no_share() -> None:
    wrong = [record(at, False) for at in range(9)]
    assert (
        paired.shares([*wrong, *(replace(one, labels={**one.labels, "attention": "sparse"}) for one in wrong)], [()])
        == []
    )
    assert paired.share([], []) is None


def test_the_interval_of_a_share_is_where_the_constrained_likelihood_says() -> None:
    """A twin that finds the likeliest table under each ratio by search, and the score from its variance."""

    def distance(ratio: float, both: int, own: int, of: int, n: int) -> float:
        best, variance = -np.inf, 0.0
        for of_alone in np.linspace(1e-6, 1 - 1e-6, 20_001):
            seen = (both + own + of) / n
            own_alone = seen - (seen - of_alone) / ratio  # (p11 + p10) = ratio * (p11 + p01)
            p_both = seen - own_alone - of_alone
            if own_alone <= 0 or p_both <= 0:
                continue
            likely = both * np.log(p_both) + own * np.log(own_alone) + of * np.log(of_alone)
            if likely > best:
                best, variance = likely, n * ratio * (own_alone + of_alone)
        return float((both + own - ratio * (both + of)) / np.sqrt(variance))

    for counts in ((20, 4, 7, 50), (30, 2, 2, 40), (6, 5, 1, 20)):
        low, high = paired.score_interval(*counts)
        assert distance(low, *counts) == pytest.approx(1.96, abs=0.02)
        assert distance(high, *counts) == pytest.approx(-1.96, abs=0.02)


def test_agreement_on_everything_still_leaves_doubt() -> None:
    few, many = (paired.share([1.0] * n + [0.0] * n, [1.0] * n + [0.0] * n) for n in (8, 200))
    assert few is not None
    assert many is not None
    assert few.low < 0.9 < 0.97 < many.low < 1 == few.score == many.score < many.high < 1.03 < few.high


def test_the_interval_of_a_share_covers_it() -> None:
    rng, held = random.Random(4), 0
    for _ in range(300):
        of = [float(rng.random() < 0.7) for _ in range(60)]
        own = [base if rng.random() < 0.85 else float(rng.random() < 0.4) for base in of]
        found = paired.share(own, of)
        assert found is not None
        held += found.low <= (0.85 * 0.7 + 0.15 * 0.4) / 0.7 <= found.high
    assert 0.92 <= held / 300 <= 0.99


# costs


def test_costs_are_of_readings_and_questions_apart() -> None:
    found = costs(two_ways())
    assert [row["attention"] for row in found] == ["dense", "sparse"]
    assert (found[0]["n"], found[0]["n_readings"]) == (40, 8)
    assert (found[0]["read_s"], found[0]["answer_s"]) == (2.0, round((8 * 1.0 + 32 * 3.0) / 40, 3))
    assert (found[0]["kv_bytes"], found[0]["peak_bytes"]) == (4 << 20, 50 << 20)
    assert costs([Record("k", {"length": 1}, {"nats": 1.0}, "g", "", (), "")]) == []


def test_what_a_run_took_stays_beside_its_rows_and_old_results_are_read(tmp_path: Path) -> None:
    old = {"length": 8192, "position_method": "none", "attention": "dense", "depth": None, "mode": "single"}
    old |= {"distractors": 0, "metric": "exact", "n": 5, "score": 0.2, "low": 0.0, "high": 0.6}
    keep_summary(tmp_path, {"task": "needle", "model": "m", "rows": [old]}, "a")
    named = [replace(one, labels={**one.labels, "kv_dtype": "bf16"}) for one in two_ways()]
    found = {
        "rows": report.rows(named, [("distractors",)]),
        "costs": costs(named),
        "shares": paired.shares(named, [()]),
    }
    for _ in range(2):
        keep_summary(tmp_path, {"task": "needle", "model": "m", **found}, "a")
    kept = read_summary(tmp_path)[0]
    # The usual form named is the same measurement as the form not named.
    assert [(row["attention"], row["n"]) for row in kept["rows"]] == [("dense", 40), ("sparse", 40)]
    assert (len(kept["costs"]), len(kept["shares"])) == (2, 1)


def test_items_of_before_have_no_bytes(tmp_path: Path) -> None:
    path = tmp_path / "needle.jsonl"
    path.write_text(
        '{"key": "k", "labels": {"length": 1}, "scores": {"exact": 1.0}, "group": "g", "question": "q", '
        '"references": ["a"], "answer": "a", "quote": "", "seconds": 1.0, "read_s": 0.5, "peak_bytes": 7}\n'
    )
    kept = Results(path).get("k")
    assert kept is not None
    assert kept.kv_bytes == 0
    assert costs([kept])[0]["kv_bytes"] is None


# tables and plots


def laid_out() -> list[Record]:
    return [
        record(at, at < 5, length=length, position_method=method, distractors=near, depth=at / 10)
        for method in ("none", "yarn")
        for length in (2048, 8192)
        for near in (0, 4)
        for at in range(10)
    ]


def test_ways_stand_in_rows_and_lengths_in_columns() -> None:
    records = laid_out()
    multi = [
        Record(
            f"m{at}", {**one.labels, "distractors": None, "form": methods.MULTI_KEY}, {"match": 1.0}, "g", "", (), ""
        )
        for at, one in enumerate(records)
    ]
    rows = [*report.rows(records, [("distractors",), ("distractors", "depth")]), *report.rows(multi, [("form",)])]
    assert methods.several(rows)
    text = methods.tables(rows, costs(records), 2048)
    blocks = {block.splitlines()[0].split(":")[0]: block.splitlines()[1:] for block in text.split("\n\n")}
    assert list(blocks)[:3] == ["needle", "needle among 4 with near keys", "multi-key (RULER)"]
    assert blocks["needle"][0].split("  ")[0] == "position"
    assert "2,048 (1x)" in blocks["needle"][0]
    assert "8,192 (4x)" in blocks["needle"][0]
    assert [line.split()[:2] for line in blocks["needle"][2:]] == [["none", "50"], ["yarn", "50"]]
    assert [line.split()[1] for line in blocks["multi-key (RULER)"][2:]] == ["100", "100"]
    assert [line.split() for line in blocks["seconds to read a text, mean"][2:]] == [
        ["none", "2.0", "2.0"], ["yarn", "2.0", "2.0"],
    ]  # fmt: skip
    assert "keys and values, MB" in blocks


def test_several_ways_of_finding_needles_are_shown_by_length_and_depth_only() -> None:
    rows = report.rows(laid_out(), [("distractors",), ("distractors", "depth")])
    text = methods.page(rows, costs(laid_out()), [], 2048)
    assert text.index("needle: exact in percent") < text.index("exact by depth and length, position none")
    assert "95 % interval\n---" not in text
    one = [record for record in laid_out() if record.labels["position_method"] == "yarn"]
    text = methods.page(report.rows(one, [("distractors",)]), costs(one), [], 2048)
    assert text.splitlines()[1].split()[-3:] == ["95", "%", "interval"]
    assert "what a text took to read, and an answer (means; most bytes)" in text


def test_a_share_is_told_in_words_and_percent() -> None:
    text = methods.share_table(paired.shares(two_ways(), [(), ("distractors",)]))
    lines = text.splitlines()
    assert lines[0] == "share of the first way's score, same questions"
    assert [line.split()[:4] for line in lines[3:]] == [
        ["8,192", "sparse", "all", "40"],
        ["8,192", "sparse", "0", "40"],
    ]
    assert "86.7 %" in lines[3]
    assert methods.share_table([]) == methods.cost_table([]) == ""


def test_a_plot_has_a_panel_for_each_kind_and_a_map_for_each_way(tmp_path: Path) -> None:
    rows = report.rows(laid_out(), [("distractors",), ("distractors", "depth")])
    plot.save_plot(tmp_path / "plot.svg", "needle", "m", rows)
    text = (tmp_path / "plot.svg").read_text()
    for words in ("needle among 4 with near keys, exact", "needle, exact", "exact by depth and length"):
        assert words in text
    assert text.count("<!-- depth -->") == 4


# ways and lengths


def parsed(**given: object) -> argparse.Namespace:
    usual = {"position": None, "attention": None, "kv_dtype": None, "tier": None, "mode": "single"}
    return argparse.Namespace(**{**usual, "style": "quote", "top_k": 5, **given})


def test_lists_become_every_combination_each_once() -> None:
    found = options.ways(parsed(position="none,pi,linear", attention="dense,sparse", kv_dtype="bf16,int8/bf16"))
    assert [(way.position, way.attention, way.kv_dtype) for way in found] == [
        (position, attention, form)
        for position in ("none", "linear")
        for attention in ("dense", "sparse")
        for form in ("bf16", "int8/bf16")
    ]
    modes = options.ways(parsed(mode="single,none", position="none,yarn", attention="sparse,dense"))
    assert [(way.mode, way.position, way.attention) for way in modes][-2:] == [
        ("single", "yarn", "dense"), ("none", None, "sparse"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"position": "yan"}, "no position method"),
        ({"attention": "dense,spares"}, "no attention called 'spares'"),
        ({"kv_dtype": "int4"}, "cannot be kept as 'int4'"),
        ({"mode": "both"}, "no mode"),
        ({"mode": ","}, "No mode"),
    ],
)
def test_names_that_are_not_known_are_told_at_once(given: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        options.ways(parsed(**given))


def test_lengths_may_be_multiples_of_the_native_one() -> None:
    given = options.lengths("1x,2x,4096, 0.5X,8192")
    assert options.in_tokens(given, 2048) == [2048, 4096, 1024, 8192]
    with pytest.raises(UserError, match="at least 256"):
        options.in_tokens(options.lengths("0.1x"), 2048)
    for wrong in ("0x", "nanx", "-1x", "9999x", "100"):
        with pytest.raises(argparse.ArgumentTypeError):
            options.lengths(wrong)


class Kinds(RuleModel):
    """Plans sparse attention over 8,192 tokens only, and keeps the form that is asked for."""

    def plan(self, way: Way, n_tokens: int) -> ReadingPlan:
        sparse = way.attention == "sparse" and n_tokens > 8192
        plan = super().plan(way, n_tokens)
        return replace(plan, attention="sparse" if sparse else "dense", kv_dtype=way.kv_dtype or "bf16")

    def fingerprint(self, plan: ReadingPlan) -> str:
        return f"{super().fingerprint(plan)}/{plan.attention}/{plan.kv_dtype}"


def test_ways_that_come_to_the_same_are_measured_once(tmp_path: Path, filler: Filler) -> None:
    def said(documents: Sequence[Document], question: str) -> Reply:
        return Reply("yes", usage=Usage(10, 0, 1, 0.5, 0.1, 0.7, 9), kv_bytes=11)

    model = Kinds(said)
    run = make_run(model, tmp_path)
    ways = options.ways(parsed(attention="dense,sparse", kv_dtype="bf16,int8"))
    task = needle.NeedleTask(limit=5, distractors=(0,))
    records = run_grid(run, task, filler, [8000, 20_000], ways)
    assert (len(records), model.questions) == (5 * 2 + 5 * 4, 30)
    assert run.skipped == ["8,000 tokens: sparse attention reads them as dense does; measured once."]
    assert {(one.labels["attention"], one.labels["kv_dtype"]) for one in records if one.labels["length"] == 8000} == {
        ("dense", "bf16"), ("dense", "int8"),
    }  # fmt: skip
    assert {one.kv_bytes for one in records} == {11}
    assert make_run(model, tmp_path).results.records == records
