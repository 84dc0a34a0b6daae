"""The answers of little stories follow from their sentences, worked out anew from the words alone."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.evaluation import stories


def read(story: stories.Story) -> tuple[dict[str, str], dict[str, str], dict[str, list[str]], dict[str, str]]:
    """Return rooms of people, holders, rooms of things and last givers, from the sentences alone."""
    room: dict[str, str] = {}
    holder: dict[str, str] = {}
    path: dict[str, list[str]] = {}
    giver: dict[str, str] = {}
    for sentence in story.sentences:
        words = re.findall(r"\w+", sentence)
        who, last = words[0], words[-1]
        thing = next((word for word in words if word in stories.THINGS), None)
        if last in stories.ROOMS:
            room[who] = last
            for carried, by in holder.items():
                if by == who:
                    path[carried].append(last)
        elif thing and last in stories.PEOPLE:
            giver[thing], holder[thing] = who, last
            room[last] = room[who]
        elif thing and ("picked" in words or "took" in words or "hold" in words):
            holder[thing] = who
            if room[who] not in path.setdefault(thing, [])[-1:]:
                path[thing].append(room[who])
        elif thing:
            assert holder.pop(thing) == who, "someone puts down what another holds"
    return room, holder, path, giver


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["qa1", "qa2", "qa3", "qa5", "qa6", "qa7", "qa8"]), st.integers(0, 100_000))
def test_answers_follow_from_the_sentences(kind: str, seed: int) -> None:
    story = stories.KINDS[kind].make(random.Random(seed))
    room, holder, path, giver = read(story)
    for question, target in story.asked:
        words = re.findall(r"\w+", question)
        who = next((word for word in words if word in stories.PEOPLE), "")
        thing = next((word for word in words if word in stories.THINGS), "")
        match kind:
            case "qa1":
                assert target == room[who]
            case "qa2":
                assert target == path[thing][-1]
            case "qa3":
                assert path[thing][-2:] == [target, words[-1]]
            case "qa5":
                assert target == (giver[thing] if "give" in words else holder.get(thing) or target)
            case "qa6":
                assert target == ("yes" if room[who] == words[-1] else "no")
            case "qa7":
                assert target == stories.COUNTS[sum(by == who for by in holder.values())]
            case "qa8":
                assert set(target.split(",")) == ({t for t, by in holder.items() if by == who} or {"nothing"})


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_what_was_said_last_of_a_person_decides(seed: int) -> None:
    for kind in ("qa9", "qa10"):
        story = stories.KINDS[kind].make(random.Random(seed))
        for question, target in story.asked:
            who, where = question.split()[1], question.rstrip("?").split()[-1]
            last = [sentence for sentence in story.sentences if sentence.startswith(who)][-1]
            said = re.findall(r"the (\w+)", last)
            if kind == "qa9":
                assert target == ("no" if "no longer" in last else "yes")
            else:
                assert target == ("no" if where not in said else "yes" if len(said) == 1 else "maybe")


@pytest.mark.parametrize("kind", stories.KINDS)
def test_targets_are_labels_and_not_in_the_question(kind: str) -> None:
    for seed in range(60):
        for question, target in stories.KINDS[kind].make(random.Random(seed)).asked:
            for part in target.split(","):
                assert part in stories.KINDS[kind].labels
                assert part not in re.findall(r"\w+", question)
