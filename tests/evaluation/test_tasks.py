"""One table of all tasks of made texts, walked by every test: what is asked stands in the text, unseen and in size."""

from collections.abc import Sequence
from typing import Any

import pytest

from longdoc.errors import UserError
from longdoc.evaluation import altered, babilong, infinite, needle, ruler, stories
from longdoc.evaluation.haystack import Filler
from longdoc.evaluation.items import Haystack, Item, Reply
from longdoc.evaluation.keys import held_out_key

TASKS: dict[str, Any] = {
    "needle": needle.NeedleTask(limit=12),
    **{f"ruler {form}": ruler.RulerTask(forms=[form], limit=3) for form in ruler.FORMS},
    **{f"babilong {form}": babilong.BabilongTask(forms=[form], limit=5) for form in stories.KINDS},
    **{f"infinite {form}": infinite.InfiniteTask(forms=[form], limit=3) for form in infinite.FORMS},
    "altered": altered.AlteredTask(limit=2),
}
# Answers that are put together from the text instead of standing in it.
_COMPUTED = ("qa6", "qa7", "qa8", "qa9", "qa10")
LENGTHS = (1024, 6000)


def made(task: Any, filler: Filler, length: int) -> Sequence[Haystack]:
    return list(task.haystacks(filler, length))


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", TASKS)
def test_texts_leave_room_for_question_and_answer(name: str, length: int, filler: Filler) -> None:
    for haystack in made(TASKS[name], filler, length):
        size = sum(filler.count(document.text) for document in haystack.documents)
        assert size <= length - 60
        # A byte tokenizer makes needles dear, so a short text may stay well under its length.
        assert length < 2000 or size >= 0.6 * length
        assert haystack.items


@pytest.mark.parametrize("name", TASKS)
def test_every_answer_stands_in_the_text(name: str, filler: Filler) -> None:
    for haystack in made(TASKS[name], filler, 3000):
        for item in haystack.items:
            if item.labels.get("form") not in _COMPUTED:
                assert all(reference in haystack.documents[0].text for reference in item.references)


@pytest.mark.parametrize("name", TASKS)
def test_the_same_seed_makes_the_same_items_and_another_others(name: str, filler: Filler) -> None:
    first, again = made(TASKS[name], filler, 2000), made(TASKS[name], filler, 2000)
    assert first == again
    other = type(TASKS[name])(**{**vars(TASKS[name]), "seed": 7})
    assert [one.documents[0].text for one in made(other, filler, 2000)] != [one.documents[0].text for one in first]


@pytest.mark.parametrize("name", TASKS)
def test_the_right_answer_scores_one_and_a_wrong_one_nothing(name: str, filler: Filler) -> None:
    task = TASKS[name]
    for haystack in made(task, filler, 2000):
        for item in haystack.items:
            for reply, score in ((right(item), 1.0), (Reply("Utter nonsense"), 0.0)):
                assert next(iter(task.score(item, reply).values())) == score, (item, reply)


def right(item: Item) -> Reply:
    return Reply(" and ".join(item.references).replace(",", " "))


@pytest.mark.parametrize("name", ["needle", "ruler niah_single_3", "ruler vt", "infinite passkey", "infinite kv"])
def test_answers_are_values_never_trained_on(name: str, filler: Filler) -> None:
    for haystack in made(TASKS[name], filler, 3000):
        for item in haystack.items:
            assert all(held_out_key(reference) for reference in item.references)


def test_needles_of_one_text_differ_in_form_unless_distractors_are_asked_for(filler: Filler) -> None:
    task = needle.NeedleTask(limit=10, distractors=(0,))
    for haystack in made(task, filler, 20_000):
        text = haystack.documents[0].text
        assert text.count("special magic number") <= 1
        assert text.count("special magic uuid") <= 1
        assert [item.labels["depth"] for item in haystack.items] == list(needle.DEPTHS)


def test_each_asked_needle_has_its_distractors_with_near_keys(filler: Filler) -> None:
    task = needle.NeedleTask(limit=6, distractors=(4,), forms=("number",))
    for haystack in made(task, filler, 20_000):
        assert haystack.documents[0].text.count("special magic number") == 5
        assert len(haystack.items) == 1
        assert not haystack.documents[0].text.count(haystack.items[0].references[0]) > 1


def test_depths_and_forms_are_spread_over_the_items(filler: Filler) -> None:
    task = needle.NeedleTask(limit=25, distractors=(0,))
    items = [item for haystack in made(task, filler, 4000) for item in haystack.items]
    assert {(item.labels["depth"], item.labels["form"]) for item in items} == {
        (depth, form) for depth in needle.DEPTHS for form in needle.FORMS
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda: needle.NeedleTask(forms=("word",)),
        lambda: needle.NeedleTask(depths=(2.0,)),
        lambda: ruler.RulerTask(forms=("niah",)),
        lambda: babilong.BabilongTask(forms=("qa11",)),
        lambda: infinite.InfiniteTask(forms=("math",)),
    ],
)
def test_unknown_forms_are_refused(make: Any) -> None:
    with pytest.raises(UserError):
        make()


def test_the_most_common_words_of_a_list_are_the_answer(filler: Filler) -> None:
    for length in (1200, 9000):
        for haystack in made(ruler.RulerTask(forms=["cwe"], limit=2), filler, length):
            words = [entry for entry in haystack.documents[0].text.split() if not entry[:-1].isdigit()]
            ranked = sorted(set(words), key=lambda word: -words.count(word))
            assert set(ranked[:10]) == set(haystack.items[0].references)


def test_the_most_frequent_coded_words_are_the_answer(filler: Filler) -> None:
    for haystack in made(ruler.RulerTask(forms=["fwe"], limit=3), filler, 2500):
        words = [word for word in haystack.documents[0].text.split() if word != "..."]
        ranked = sorted(set(words), key=lambda word: -words.count(word))
        assert set(ranked[:3]) == set(haystack.items[0].references)
        assert words.count(ranked[2]) > words.count(ranked[3])


def test_variables_of_a_chain_all_hold_the_value(filler: Filler) -> None:
    haystack = made(ruler.RulerTask(forms=["vt"], limit=1), filler, 2500)[0]
    values: dict[str, str] = {}
    for part in haystack.documents[0].text.split("VAR ")[1:]:
        words = part.split()
        if len(words) > 2 and words[1] == "=":
            values[words[0]] = words[2].rstrip(".")
        elif part.strip().endswith("="):
            values[words[0]] = "VAR"
    assert set(haystack.items[0].references) == set(values)


def test_two_hops_need_two_passages(filler: Filler) -> None:
    haystack = made(ruler.RulerTask(forms=["qa_2"], limit=1), filler, 4000)[0]
    item = haystack.items[0]
    name = item.question.split("firm that ")[1].split(" worked")[0]
    passages = haystack.documents[0].text.split("\n\n")
    assert not any(name in passage and item.references[0] in passage for passage in passages)


@pytest.mark.parametrize(
    ("averages", "length"),
    [({4096: 0.9, 8192: 0.86, 16384: 0.5}, 8192), ({4096: 0.5, 8192: 0.99}, 0), ({4096: 0.856}, 4096), ({}, 0)],
)
def test_effective_length_is_the_last_before_the_first_failure(averages: dict[int, float], length: int) -> None:
    assert ruler.effective_length(averages) == length


def test_only_one_sentence_of_the_novel_is_changed(filler: Filler) -> None:
    original = filler.book(0)
    for haystack in made(altered.AlteredTask(limit=2, forms=("modern",)), filler, 4000):
        changed = haystack.items[0].references[0]
        rest = haystack.documents[0].text.replace(changed, "\0")
        before, after = rest.split("\0")
        whole = "".join(one.text for one in original)
        assert before[-200:] in whole * 2
        assert after.strip()[:200] in whole * 2
