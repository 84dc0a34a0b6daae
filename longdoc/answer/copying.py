"""What keeps the bundled reader's answer to the words of the documents, for a packed prompt."""

from __future__ import annotations

from longdoc.formats import SpecialIds
from longdoc.grounding import CopyConstraint
from longdoc.packing import quotable
from longdoc.tokens import TextTokenizer
from longdoc.types import Prompt


def copy_constraint(prompt: Prompt, special: SpecialIds, tokenizer: TextTokenizer) -> CopyConstraint:
    """Return the constraint for one answer; the question is what stands after the prompt's documents."""
    question = tokenizer.decode(prompt.token_ids[prompt.prefix_len :])
    return CopyConstraint(quotable(prompt, special.doc), special, question, tokenizer.decode)
