"""Lets tests import what lies beside them, and gives each a desk of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

if TYPE_CHECKING:
    from bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    from bench import Bench

    made = Bench(tmp_path / "home")
    yield made
    made.close()
