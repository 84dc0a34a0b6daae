"""Surprise while reading is the model's own, whatever the steps; the changed sentence is the most surprising one."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from standin import StandIn, byte_tokenizer, reader_frame
from toys import backend_of, info_of, plan_for, tokens, toy

from longdoc.backends import transformer
from longdoc.backends.transformer import TransformerBackend
from longdoc.errors import Stopped, UserError
from longdoc.evaluation import perplexity
from longdoc.evaluation.altered import ranked
from longdoc.evaluation.asking import LocalModel, Way
from longdoc.evaluation.opening import in_memory
from longdoc.evaluation.results import Results
from longdoc.evaluation.runner import Run
from longdoc.evaluation.surprisal import Surprise, token_nats
from longdoc.settings import Settings


@pytest.mark.parametrize("architecture", ["Qwen3", "Llama", "Gemma2", "Cohere", "Granite"])
@pytest.mark.parametrize("step", [33, 512])
def test_nats_equal_those_of_transformers(architecture: str, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformer, "_SCORE_STEP", step)
    model, ids = toy(f"{architecture}ForCausalLM"), tokens(100)
    with torch.no_grad():
        logprobs = model(torch.tensor([ids])).logits[0, :-1].float().log_softmax(-1)
    expected = -logprobs.gather(1, torch.tensor(ids[1:])[:, None])[:, 0].numpy()
    found = token_nats(backend_of(model), ids, plan_for(), threading.Event())
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_stop_ends_it() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        token_nats(backend_of(toy("Qwen3ForCausalLM")), tokens(50), plan_for(), stop)


def test_models_that_do_not_tell_are_refused() -> None:
    with pytest.raises(UserError, match="does not tell how likely"):
        token_nats(StandIn(), [1, 2, 3], plan_for(), threading.Event())  # type: ignore[arg-type]


def test_the_sentence_with_the_highest_mean_comes_first() -> None:
    usual = "The captain walked along the river before dawn came. "
    changed = "Captain Vass rebooted the laptop and waited for a prompt."
    text = usual * 5 + changed + " " + usual * 3
    nats = np.ones(len(text))
    start = text.index(changed)
    chars = byte_tokenizer().encode(text).chars
    surprise = Surprise(nats, chars)
    assert ranked(text, surprise, changed)[0] != 0 or ranked(text, surprise, changed)[1] == changed
    nats[start : start + len(changed)] = 3.0
    assert ranked(text, surprise, changed) == (0, changed)
    nats[: len(usual)] = 9.0
    assert ranked(text, surprise, changed) == (1, usual.strip())


def test_a_sentence_that_is_not_there_ranks_last() -> None:
    text = "One long sentence that stands in the text here. Another long sentence that stands here as well."
    surprise = Surprise(np.ones(len(text)), byte_tokenizer().encode(text).chars)
    assert ranked(text, surprise, "Something else.")[0] == 2


def test_a_model_that_knows_nothing_has_the_perplexity_of_its_vocabulary(tmp_path: Path) -> None:
    n_tokens = byte_tokenizer().vocab_size
    model = toy("Qwen3ForCausalLM", vocab_size=n_tokens, num_hidden_layers=1)
    torch.nn.init.zeros_(model.lm_head.weight)
    backend = TransformerBackend(model, info_of(model), byte_tokenizer(), reader_frame(), ["w"])
    local = LocalModel("toy", backend, lambda way, n: plan_for(n), in_memory(Settings(home=tmp_path)))
    text = tmp_path / "text.txt"
    text.write_text("Words of one byte and of two: caf\u00e9. " * 40)
    task = perplexity.PerplexityTask(text)
    run = Run(local, Results(tmp_path / "perplexity.jsonl"))
    found = {row["metric"]: row["score"] for row in perplexity.rows(task.run(run, local, [300], [Way()]))}
    assert found["perplexity"] == pytest.approx(n_tokens, rel=1e-3)
    assert found["bits_per_byte"] == pytest.approx(np.log2(n_tokens), rel=1e-3)  # one token a byte
