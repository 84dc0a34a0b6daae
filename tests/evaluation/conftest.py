"""Lets tests import the stand-ins that lie here and beside this folder."""

import sys
from pathlib import Path

import pytest
from hypothesis import settings

from longdoc.evaluation.haystack import Filler

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]


settings.register_profile("without a clock", deadline=None)
settings.load_profile("without a clock")


@pytest.fixture(scope="session")
def filler() -> Filler:
    from rule_model import book
    from standin import byte_tokenizer

    return Filler([book()], byte_tokenizer())
