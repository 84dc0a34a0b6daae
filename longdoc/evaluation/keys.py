"""Keys and values of made evaluation items, kept apart from those of training.

One rule splits every made word, name, number and UUID: what `held_out_key`
accepts is for measuring only, the rest is for training (models/recipe imports
the same rule). A model can therefore not have learnt a key or its value by
heart. Knows strings only; where they are put in a text is left to the tasks.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable

from longdoc.errors import UserError
from longdoc.evaluation import words


def held_out_key(key: str) -> bool:
    """Tell whether a made key or value belongs to measuring (a tenth of all) and never to training."""
    return hashlib.sha256(key.encode()).digest()[0] % 10 == 0


def draw(make: Callable[[], str], taken: set[str], tries: int = 20_000) -> str:
    """Return a held-out string from `make` that is not in `taken`, and add it there.

    Raises UserError when `make` has run out of new ones.
    """
    for _ in range(tries):
        key = make()
        if key not in taken and held_out_key(key):
            taken.add(key)
            return key
    raise UserError("There are not enough different keys for so many items.", next_step="Use a smaller --limit.")


def number(rng: random.Random, digits: int = 7) -> str:
    """Return a number of exactly `digits` digits."""
    return str(rng.randrange(10 ** (digits - 1), 10**digits))


def uuid4(rng: random.Random) -> str:
    """Return a random UUID in its usual spelling."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def word_key(rng: random.Random) -> str:
    """Return an adjective and a noun, "quiet-harbor", the form of RULER's word keys."""
    return f"{rng.choice(words.ADJECTIVES)}-{rng.choice(words.NOUNS)}"


def near_word_key(key: str, rng: random.Random) -> str:
    """Return a word key that shares one of its two words with `key`."""
    adjective, noun = key.split("-", 1)
    return f"{adjective}-{rng.choice(words.NOUNS)}" if rng.random() < 0.5 else f"{rng.choice(words.ADJECTIVES)}-{noun}"


def person(rng: random.Random) -> str:
    """Return a made first and family name, "Imre Vassold"."""
    return f"{given_name(rng)} {family_name(rng)}"


def near_person(name: str, rng: random.Random) -> str:
    """Return a person who shares the first or the family name with `name`."""
    given, family = name.split(" ", 1)
    return f"{given} {family_name(rng)}" if rng.random() < 0.5 else f"{given_name(rng)} {family}"


def place(rng: random.Random) -> str:
    """Return a made place name, "Tarnmouth"."""
    return rng.choice(words.PLACE_STARTS) + rng.choice(words.PLACE_ENDS)


def plain_word(rng: random.Random) -> str:
    """Return one plain word, "harbor"."""
    return rng.choice(words.NOUNS)


def coded_word(rng: random.Random, letters: int = 6) -> str:
    """Return a meaningless lower-case word of `letters` letters, as in RULER's frequent words."""
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(letters))


def variable(rng: random.Random, letters: int = 5) -> str:
    """Return a meaningless upper-case name of a variable, as in RULER's variable tracking."""
    return coded_word(rng, letters).upper()


def given_name(rng: random.Random) -> str:
    """Return a made first name, "Bremena"."""
    return rng.choice(words.GIVEN_STARTS) + rng.choice(words.GIVEN_ENDS)


def family_name(rng: random.Random) -> str:
    """Return a made family name, "Vassold"."""
    return rng.choice(words.FAMILY_STARTS) + rng.choice(words.FAMILY_ENDS)
