"""chronicle.txt: a book-length invented chronicle, one chapter a year, and the questions it answers.

The same seed writes the same book. Nothing in it happened, so no model can know it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assets.samples_src import chronicle_folk as folk
from assets.samples_src import chronicle_land as land
from assets.samples_src import chronicle_town as town
from assets.samples_src.chronicle_names import FIRST_YEAR, LAST_YEAR, TITLE
from assets.samples_src.chronicle_world import Fact, Sentence, World

_SEED = 1381
_EVENTS_A_YEAR = (8, 11)
_CHRONICLER_EVERY = 17  # years

Event = Callable[[World], list[Sentence]]
EVENTS: tuple[Event, ...] = (
    land.harvest, land.flood, land.fire, land.sickness, land.sky, land.beasts, land.frost, land.ferry, land.digging,
    town.building, town.warden, town.lawsuit, town.guild, town.bell, town.theft, town.fair, town.toll, town.book,
    town.precedence, folk.wedding, folk.death, folk.journey, folk.foundling, folk.invention, folk.hermit, folk.letter,
    folk.treasure, folk.feud, folk.wager, folk.remembrance,
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A fact of the chronicle and where its sentence stands in the text."""

    fact: Fact
    start: int
    end: int
    chapter: str


def chronicle() -> tuple[str, list[Found]]:
    """Return the text and every question that has exactly one answer in it, in the order of the text."""
    world = World(_SEED)
    pieces: list[str] = [f"{TITLE}\n\n"]
    found: list[Found] = []
    length = len(pieces[0])

    def add(text: str) -> int:
        nonlocal length
        pieces.append(text)
        length += len(text)
        return length

    for number, year in enumerate(range(FIRST_YEAR, LAST_YEAR + 1), 1):
        world.begin(year)
        chapter = f"Chapter {number}. The year {year}"
        add(f"{chapter}\n\n")
        for paragraph in _year(world):
            for k, sentence in enumerate(paragraph):
                start = add(" " if k else "")
                end = add(sentence.text)
                if sentence.fact is not None:
                    found.append(Found(sentence.fact, start, end, chapter))
            add("\n\n")
    text = "".join(pieces).rstrip("\n") + "\n"
    return text, [item for item in found if world.asked[item.fact.question] == 1]


def _year(world: World) -> list[list[Sentence]]:
    """Return the paragraphs of one year: different events, the harvest of most years first."""
    count = world.number(*_EVENTS_A_YEAR)
    events = world.rng.sample(EVENTS, count)
    events.sort(key=lambda event: event is not land.harvest)
    paragraphs = [event(world) for event in events]
    if (world.year - FIRST_YEAR) % _CHRONICLER_EVERY == 0:
        paragraphs.insert(0, _chronicler(world))
    if world.rng.random() < 0.4:
        paragraphs.append([_closing(world)])
    return paragraphs


def _chronicler(world: World) -> list[Sentence]:
    writer = world.someone("", 25)
    writer.deeds.append(f"took up this chronicle in {world.year}")
    return [
        world.tell(
            "Here {writer} takes up the pen.", "Who took up the pen of the chronicle in {year}?", writer.name,
            writer=writer.titled, year=world.year,
        ),
        world.tell(
            "[What went before I have from others, and alter nothing but the spelling|I shall write what I saw, "
            "and where I did not see it, who told me|My hand is worse than the last one's, but I hear better|The "
            "last writer loved weddings; I shall try to be brief with them|Let nobody look here for kings: they "
            "do not come to us|I was told to leave out the quarrels, and then there would be no book|My eyes are "
            "good for ten years more, the apothecary says|I write for those who come after, if any of them can "
            "read].",
        ),
    ]  # fmt: skip


def _closing(world: World) -> Sentence:
    return world.tell(
        "[Of the rest of this year I know nothing|So much for this year|{count} were christened in the valley and "
        "{less} were buried, so that there were more of us at the end than at the beginning|This I wrote with a "
        "borrowed pen|The winter was like other winters|And a great many turnips were eaten|The other things that "
        "happened had better be forgotten|Nobody from outside asked after us|In the last week a pedlar brought "
        "almanacs, all wrong].",
        count=world.number(120, 180), less=world.number(60, 119),
    )  # fmt: skip
