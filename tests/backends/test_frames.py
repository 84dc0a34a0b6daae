from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from longdoc.backends.frames import frame_of
from longdoc.errors import ModelError
from longdoc.tokens import TextTokenizer

READER = Path(__file__).resolve().parents[2] / "models" / "reader"
CHAT = (
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m['role'] }} {{ m['content'] | trim }}<|im_end|>"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant {% endif %}"
)


def chat_folder(folder: Path, template: str | None, **config: Any) -> Path:
    """A folder with a word tokenizer that has chat tokens."""
    words = ["<unk>", "system", "user", "assistant", "Be", "kind", "today", "26", "Jul", "2024", "hello"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["<s>", "</s>", "<|im_start|>", "<|im_end|>"])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<s>", "eos_token": "<|im_end|>", **config}))
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    return folder


def frame(folder: Path) -> Any:
    return frame_of(folder, TextTokenizer.from_folder(folder))


def test_the_bundled_reader_gets_its_own_frame() -> None:
    found = frame(READER)
    assert found.kind == "reader"
    assert (found.head_ids, found.tail_ids) == ((found.special.bos,), (found.special.answer,))
    assert found.stop_ids == {found.special.end}


def test_a_chat_model_gets_what_its_template_writes_around_a_user(tmp_path: Path) -> None:
    folder = chat_folder(tmp_path, CHAT)
    raw = Tokenizer.from_file(str(folder / "tokenizer.json"))
    found = frame(folder)
    assert found.kind == "chat"
    assert [raw.id_to_token(i) for i in found.head_ids] == ["<s>", "<|im_start|>", "user"]
    assert [raw.id_to_token(i) for i in found.tail_ids] == ["<|im_end|>", "<|im_start|>", "assistant"]
    assert found.special is None


def test_head_words_and_tail_together_are_what_the_library_renders(tmp_path: Path) -> None:
    folder = chat_folder(tmp_path, CHAT)
    found = frame(folder)
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), bos_token="<s>")
    theirs.chat_template = CHAT
    expected = theirs.apply_chat_template(
        [{"role": "user", "content": "hello"}], add_generation_prompt=True, return_dict=True
    )["input_ids"]
    middle = TextTokenizer.from_folder(folder).ids("hello")
    assert [*found.head_ids, *middle, *found.tail_ids] == expected


def test_a_template_in_the_tokenizer_s_configuration_is_found(tmp_path: Path) -> None:
    alone = frame(chat_folder(tmp_path / "a", CHAT))
    assert frame(chat_folder(tmp_path / "b", None, chat_template=CHAT)) == alone
    named = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": CHAT}]
    assert frame(chat_folder(tmp_path / "c", None, chat_template=named)) == alone


def test_a_model_without_a_template_begins_plainly(tmp_path: Path) -> None:
    found = frame(chat_folder(tmp_path, None, bos_token={"content": "<s>"}))
    assert (len(found.head_ids), found.tail_ids) == (1, ())


def test_prompts_of_two_days_begin_alike(tmp_path: Path) -> None:
    dated = (
        "{% if date_string is not defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
        "today {{ date_string }} " + CHAT
    )
    folder = chat_folder(tmp_path, dated)
    raw = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert [raw.id_to_token(i) for i in frame(folder).head_ids][:4] == ["today", "26", "Jul", "2024"]


@pytest.mark.parametrize(
    "template",
    [
        "{{ messages[0]['content'] }}{{ messages[0]['content'] }}",
        "nothing",
        "{% for %}",
        "{{ raise_exception('no') }}",
        "{{ messages.__class__.__mro__[1].__subclasses__() }}",
    ],
)
def test_a_template_that_cannot_be_used_is_one_clear_error(tmp_path: Path, template: str) -> None:
    with pytest.raises(ModelError, match="chat template"):
        frame(chat_folder(tmp_path, template))


def test_every_end_that_a_checkpoint_names_ends_an_answer(tmp_path: Path) -> None:
    folder = chat_folder(tmp_path, CHAT)
    raw = Tokenizer.from_file(str(folder / "tokenizer.json"))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [5, 6]}))
    (folder / "config.json").write_text(json.dumps({"eos_token_id": 7}))
    assert frame(folder).stop_ids == {5, 6, 7, raw.token_to_id("<|im_end|>")}


def test_damaged_side_files_cost_only_what_they_say(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(chat_folder(tmp_path / "a", CHAT), tmp_path / "b"))
    (folder / "generation_config.json").write_text("{")
    assert frame(folder).head_ids == frame(tmp_path / "a").head_ids
