"""Every side gets the same text and, from the same weights, says the same first words."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.compare_child import first, restart
from benchmarks.compare_side import VARIANTS, make
from benchmarks.compare_text import Task, task

pytestmark = pytest.mark.model

LENGTH, ANSWER = 700, 4
SIDES = [("stock", "float32"), ("dense", "dense"), ("llama.cpp", VARIANTS["llama.cpp"][1])]


@pytest.fixture(scope="module")
def wanted() -> Task:
    return task(LENGTH, ANSWER)


@pytest.fixture(scope="module")
def expected(wanted: Task) -> list[int]:
    import torch
    from transformers import AutoModelForCausalLM

    from benchmarks.compare_text import READER

    model = AutoModelForCausalLM.from_pretrained(str(READER), dtype=torch.float32, local_files_only=True).eval()
    with torch.inference_mode():
        prompts = [torch.tensor([[*wanted.document, *question]]) for question in wanted.questions]
        return [int(model(ids, use_cache=False).logits[0, -1].argmax()) for ids in prompts]


@pytest.mark.parametrize(("engine", "variant"), SIDES)
def test_a_side_reads_once_and_answers_as_the_model_does(
    engine: str, variant: str, wanted: Task, expected: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if engine == "llama.cpp":
        pytest.importorskip("gguf", reason="gguf is not installed (requirements-dev.txt)")
        pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed (requirements-bench.txt)")
    side = make(engine, variant, tmp_path, 1, LENGTH)
    side.load()
    figures = first(side, wanted)
    side.close()
    assert figures["first_tokens"] == expected
    assert all(figures[name] > 0 for name in ("read_s", "first_word_s", "follow_up_s", "token_s", "peak_bytes"))
    assert '"event": "step"' in capsys.readouterr().out
    if figures["save_s"] is None:
        return
    after = make(engine, variant, tmp_path, 1, LENGTH)
    after.load()
    told = restart(after, wanted)  # raises unless the whole document was taken up
    after.close()
    assert told["restart_first_token"] == expected[-1]


def test_a_task_fills_its_length_with_one_document(wanted: Task) -> None:
    longest = max(len(question) for question in wanted.questions)
    assert len(wanted.document) + longest + ANSWER <= LENGTH
    longer = task(2 * LENGTH, ANSWER)
    assert longer.document[: len(wanted.document)] == wanted.document
    assert len(longer.document) - len(wanted.document) == LENGTH
