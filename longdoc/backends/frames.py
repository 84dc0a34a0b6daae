"""How a model's prompt is built around documents and question: its `PromptFrame`.

A model with the bundled reader's tokens gets the reader's frame. Any other gets
what its chat template puts before and after a user's words, rendered once with a
placeholder and encoded with special tokens on; a base model without a template
gets its plain beginning. Documents are packed by `longdoc.packing`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from longdoc.errors import ModelError
from longdoc.formats import ANSWER, ASK, BLANK, BOS, DOC, END, PAD, QUOTE, THEN, SpecialIds
from longdoc.packing import PromptFrame
from longdoc.tokens import TextTokenizer

_PLACEHOLDER = "LONGDOC-USER-TEXT"
# Templates that print today's date would make every day's prompt, and its cache, another one.
_FIXED = {"date_string": "26 Jul 2024", "enable_thinking": False}


def frame_of(folder: Path, tokenizer: TextTokenizer) -> PromptFrame:
    """Return the frame of the model in `folder`. Raises ModelError for a chat template that cannot be used."""
    special = _reader_ids(tokenizer)
    if special is not None:
        return PromptFrame("reader", (special.bos,), (special.answer,), special, frozenset({special.end}))
    config = _json(folder / "tokenizer_config.json")
    raw = Tokenizer.from_file(str(folder / "tokenizer.json"))
    template = _template(folder, config)
    stops = _stop_ids(folder, config, raw)
    if template is None:
        bos = raw.token_to_id(_token_text(config.get("bos_token")))
        return PromptFrame("chat", () if bos is None else (bos,), (), None, stops)
    head, tail = _render(folder, template, config)
    return PromptFrame("chat", _with_specials(raw, head), _with_specials(raw, tail), None, stops)


def _reader_ids(tokenizer: TextTokenizer) -> SpecialIds | None:
    found = [tokenizer.special_id(token) for token in (BOS, DOC, ASK, ANSWER, QUOTE, THEN, END, BLANK, PAD)]
    ids = [token for token in found if token is not None]
    return SpecialIds(*ids) if len(ids) == len(found) else None


def _template(folder: Path, config: dict[str, Any]) -> str | None:
    """Return the chat template: a file of its own, or a field of the tokenizer's configuration."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    field = config.get("chat_template")
    if isinstance(field, list):  # several by name, as older checkpoints have them
        named = {entry.get("name"): entry.get("template") for entry in field if isinstance(entry, dict)}
        field = named.get("default")
    return field if isinstance(field, str) else None


def _render(folder: Path, template: str, config: dict[str, Any]) -> tuple[str, str]:
    """Return the text before and after a user's words, up to where the answer begins."""
    from transformers.utils.chat_template_utils import render_jinja_template

    tokens = {key: _token_text(value) for key, value in config.items() if key.endswith("_token") and value}
    try:
        rendered, _ = render_jinja_template(
            [[{"role": "user", "content": _PLACEHOLDER}]],
            chat_template=template,
            add_generation_prompt=True,
            **{"bos_token": "", "eos_token": "", **tokens, **_FIXED},
        )
    except Exception as error:  # a template is a program of the model's author
        raise _unusable(folder) from error
    parts = str(rendered[0]).split(_PLACEHOLDER)
    if len(parts) != 2:
        raise _unusable(folder)
    return parts[0], parts[1]


def _unusable(folder: Path) -> ModelError:
    return ModelError(
        f"The chat template of {folder.name} does not put a user's words into a prompt once.",
        code="template",
        next_step="Correct chat_template.jinja or choose another model.",
    )


def _with_specials(raw: Tokenizer, text: str) -> tuple[int, ...]:
    """Encode template text, special tokens as such; nothing is added, since templates write their own beginning."""
    return tuple(raw.encode(text, add_special_tokens=False).ids)


def _stop_ids(folder: Path, config: dict[str, Any], raw: Tokenizer) -> frozenset[int]:
    """Return the ids that end an answer, from wherever the checkpoint names them."""
    found: set[int] = set()
    for name in ("generation_config.json", "config.json"):
        declared = _json(folder / name).get("eos_token_id")
        listed = declared if isinstance(declared, list) else [declared]
        found.update(int(token) for token in listed if isinstance(token, int))
    by_text = raw.token_to_id(_token_text(config.get("eos_token")))
    if by_text is not None:
        found.add(int(by_text))
    return frozenset(found)


def _token_text(token: Any) -> str:
    """Return the spelling of a token, which configurations give as text or as an object."""
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
