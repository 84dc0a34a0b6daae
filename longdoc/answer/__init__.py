"""Ask documents: one question, one mode, one answer with evidence."""

from longdoc.answer.ask import Desk, ask, prepare
from longdoc.answer.kit import Kit, kit_of
from longdoc.answer.parts import outline, part
from longdoc.answer.request import How, checked_question

__all__ = ["Desk", "How", "Kit", "ask", "checked_question", "kit_of", "outline", "part", "prepare"]
