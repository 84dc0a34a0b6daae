"""What is asked and how: checked once, before any work starts."""

from __future__ import annotations

from dataclasses import dataclass

from longdoc.errors import UserError
from longdoc.settings import Settings


@dataclass(frozen=True)
class How:
    """Choices of a person; None leaves one to the planner."""

    model: str
    position: str | None = None
    attention: str | None = None
    tier: str | None = None
    kv_dtype: str | None = None  # "int8", or keys and values apart: "int8/bf16"
    window: int | None = None  # tokens; smaller than the model's own
    top_k: int = 5  # passages of a chunked answer
    short: bool = False  # the answer alone, without the reader's quote
    max_new_tokens: int = 256

    def overrides(self) -> dict[str, str | int]:
        """Return what the planner must not choose itself."""
        chosen = {
            "position": self.position,
            "attention": self.attention,
            "tier": self.tier,
            "kv_dtype": self.kv_dtype,
            "window": self.window,
        }
        return {name: value for name, value in chosen.items() if value is not None}


def checked_question(question: str, settings: Settings) -> str:
    """Return a question without blank ends. Raises UserError for an empty or an endless one."""
    question = question.strip()
    if not any(ch.isalnum() for ch in question):
        raise UserError("The question is empty.", next_step="Write what you want to know after -q.")
    if len(question) > settings.max_question_characters:
        raise UserError(
            f"The question has {len(question):,} characters; the limit is {settings.max_question_characters:,}.",
            next_step="Put long text into a file and add it as a source.",
        )
    # A lone surrogate, as in a badly encoded argument, has no bytes to give a tokenizer.
    return question.encode("utf-8", "replace").decode("utf-8")
