"""A made data folder with its tokenizer and token files, built once."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from longdoc.tokens import TextTokenizer
from models.recipe import corpus, shards, tiny_data, tokenizer
from models.recipe.mixture import Mixture
from models.recipe.vocabulary import Vocabulary


@dataclass(frozen=True)
class Workshop:
    """Paths of a tiny recipe run up to training."""

    data: Path
    tokens: Path
    tokenizer_folder: Path

    @property
    def tokenizer(self) -> TextTokenizer:
        return TextTokenizer.from_folder(self.tokenizer_folder)

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.from_folder(self.tokenizer_folder)

    def mixture(self, seed: int = 3) -> Mixture:
        return Mixture(self.data, self.tokens, self.tokenizer_folder, seed)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    root = tmp_path_factory.mktemp("recipe")
    made = Workshop(root / "data", root / "tokens", root / "model")
    tiny_data.write(made.data, n_documents=24, n_sentences=40)
    pieces = [item.text for category in tiny_data.CATEGORIES for item in corpus.texts(made.data, category)]
    tokenizer.save(tokenizer.train(iter(pieces), 1024), made.tokenizer_folder)
    made.tokens.mkdir()
    for category in tiny_data.CATEGORIES:
        shards.tokenise(made.data, category, made.tokenizer_folder, made.tokens, 10**9)
    return made
