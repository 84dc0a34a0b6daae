"""Whatever happens to a stored reading, the next answer equals the cold one, and says why it was read again."""

import os
import random
import shutil
from pathlib import Path

import pytest
from standin import StandIn, plan_for, prompt_of, settings_in, text_of

from longdoc.cache import layout
from longdoc.engine import Engine
from longdoc.types import Generation

PROMPT = prompt_of(text_of(900, "lease"), text_of(400, "annex"))
OTHER = prompt_of(text_of(900, "other"), text_of(400, "one"))


WAYS = {"ram": ("ram", "float32"), "disk": ("disk", "float32"), "disk, narrow": ("disk", "int8/bf16")}


def ask(home: Path, prompt=PROMPT, weights: str = "a", way: str = "ram") -> Generation:
    """Ask in a process of its own, as far as the engine can tell."""
    settings = settings_in(home, checkpoint_every_s=60.0)
    backend, (tier, form) = StandIn(weights=weights, working=settings.cache_working), WAYS[way]
    plan = plan_for(backend, len(prompt.token_ids), step=300, tier=tier, kv_dtype=form)
    with Engine(settings, load=lambda model, settings: backend) as engine:
        return engine.generate("m", prompt, plan)


@pytest.fixture(scope="module", params=list(WAYS))
def way(request) -> str:
    """Tier and form of the readings that are damaged."""
    return request.param


@pytest.fixture(scope="module")
def cold(tmp_path_factory, way) -> str:
    return ask(tmp_path_factory.mktemp("cold"), way=way).text


@pytest.fixture(scope="module")
def stored(tmp_path_factory, way) -> Path:
    """A home with a saved reading of the prompt, one of other documents, and one by another model."""
    home = tmp_path_factory.mktemp("stored")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "FILE_BYTES", 256 * 128)  # several parts of 256 tokens
        for prompt, weights in ((OTHER, "a"), (PROMPT, "b"), (PROMPT, "a")):
            ask(home, prompt, weights, way)
    return home


class Copy:
    """A copy of the stored readings to be damaged."""

    def __init__(self, stored: Path, home: Path, way: str) -> None:
        self.way = way
        shutil.copytree(stored, home, dirs_exist_ok=True)
        self.home = home
        readings = home / "home" / "cache" / "readings"
        by_age = sorted(readings.iterdir(), key=lambda path: (path / "lock").stat().st_mtime_ns)
        self.other, self.others_model, self.own = by_age

    def ask(self) -> Generation:
        return ask(self.home, way=self.way)

    def files(self) -> list[Path]:
        return sorted(path for path in self.own.iterdir() if path.stat().st_size)

    def check(self, cold: str) -> None:
        """A miss with a reason, the answer is the cold one, and the next question is served again."""
        found = self.ask()
        assert found.text == cold
        assert found.usage.cached_tokens == 0
        assert any("not used" in reason or "set aside" in reason for reason in found.warnings), found.warnings
        again = self.ask()
        assert again.text == cold
        assert again.usage.cached_tokens == PROMPT.prefix_len
        assert again.warnings == ()


@pytest.fixture
def copy(stored, tmp_path, way) -> Copy:
    return Copy(stored, tmp_path, way)


def test_an_undamaged_copy_is_used(copy, cold):
    found = copy.ask()
    assert (found.text, found.usage.cached_tokens, found.warnings) == (cold, PROMPT.prefix_len, ())
    assert len([path for path in copy.files() if path.suffix == ".kv"]) > 1


def flip(copy: Copy, chance: random.Random) -> None:
    # Every file gets its share, or the large ones would take all.
    path = chance.choice(copy.files())
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def truncate(copy: Copy, chance: random.Random) -> None:
    path = chance.choice(copy.files())
    os.truncate(path, chance.randrange(path.stat().st_size))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("damage", [flip, truncate])
def test_a_flipped_bit_or_a_cut_file_is_a_miss(copy, cold, damage, seed):
    damage(copy, random.Random(seed))
    copy.check(cold)


@pytest.mark.torture
@pytest.mark.parametrize(("damage", "seeds"), [(flip, range(100, 164)), (truncate, range(100, 120))])
def test_many_flipped_bits_and_cut_files_are_misses(stored, tmp_path, cold, way, damage, seeds):
    for seed in seeds:
        copy = Copy(stored, tmp_path / str(seed), way)
        damage(copy, random.Random(seed))
        copy.check(cold)


def swap(one: Path, two: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    two.rename(one)
    aside.rename(two)


def extents(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.kv"))


def swap_within(copy: Copy) -> None:
    first, second = extents(copy.own)[:2]
    assert first.stat().st_size == second.stat().st_size
    swap(first, second)


def swap_with_other_documents(copy: Copy) -> None:
    swap(extents(copy.own)[1], extents(copy.other)[1])


def swap_with_other_model(copy: Copy) -> None:
    swap(extents(copy.own)[0], extents(copy.others_model)[0])


def replace_tokens(copy: Copy) -> None:
    shutil.copy(copy.other / "tokens", copy.own / "tokens")


def replace_manifest(copy: Copy) -> None:
    shutil.copy(copy.others_model / "manifest", copy.own / "manifest")


def put_other_model_in_place(copy: Copy) -> None:
    shutil.rmtree(copy.own)
    shutil.copytree(copy.others_model, copy.own)


def exchange_folders(copy: Copy) -> None:
    swap(copy.own, copy.other)


def remove(name: str):
    def damage(copy: Copy) -> None:
        for path in copy.own.glob(name):
            path.unlink()

    damage.__name__ = f"remove {name}"
    return damage


def extend(copy: Copy) -> None:
    with extents(copy.own)[0].open("ab") as file:
        file.write(b"\0")


def folder_in_place_of_a_file(copy: Copy) -> None:
    path = extents(copy.own)[0]
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        swap_within,
        swap_with_other_documents,
        swap_with_other_model,
        replace_tokens,
        replace_manifest,
        put_other_model_in_place,
        exchange_folders,
        remove("manifest"),
        remove("tokens"),
        remove("*.kv"),
        extend,
        folder_in_place_of_a_file,
    ],
)
def test_files_that_are_not_its_own_or_gone_are_a_miss(copy, cold, damage):
    damage(copy)
    copy.check(cold)


def test_a_reading_of_another_model_alone_is_a_miss(copy, cold):
    shutil.rmtree(copy.own)
    found = copy.ask()
    assert (found.text, found.usage.cached_tokens) == (cold, 0)
    assert "read before" in found.warnings[0]


def test_a_reading_stored_by_another_version_is_left_alone_and_is_no_obstacle(copy, cold):
    import hashlib
    import json

    body = json.loads((copy.own / "manifest").read_bytes().split(b"\n")[1]) | {"format": 2}
    data = json.dumps(body).encode()
    newer = copy.own.with_name("f" * 40)
    copy.own.rename(newer)
    (newer / "manifest").write_bytes(hashlib.sha256(data).hexdigest().encode() + b"\n" + data + b"\n")
    found = copy.ask()
    assert (found.text, found.usage.cached_tokens) == (cold, 0)
    assert newer.exists()
    assert copy.ask().usage.cached_tokens == PROMPT.prefix_len


def test_a_file_that_cannot_be_read_for_now_is_a_miss_and_is_not_thrown_away(copy, cold, monkeypatch):
    import numpy as np

    def refuse(*args, **kwargs):
        raise OSError(24, "Too many open files")

    opened = Path.open
    monkeypatch.setattr(np, "fromfile", refuse)
    monkeypatch.setattr(Path, "open", lambda path, *a, **k: refuse() if path.suffix == ".kv" else opened(path, *a, **k))
    found = copy.ask()
    assert (found.text, found.usage.cached_tokens) == (cold, 0)
    assert "Too many open files" in found.warnings[0]
    monkeypatch.undo()
    assert copy.ask().usage.cached_tokens == PROMPT.prefix_len
