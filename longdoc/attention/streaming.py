"""Streaming attention: the first tokens and a window of recent ones, and nothing between.

StreamingLLM (https://arxiv.org/abs/2309.17453) as a way to spend fewer scores on any
length: the frequencies of the plan's position method under the branches of
`positions.streaming`, with the plan's budget as sinks and window. Two branches say
all of it, so the dense engine carries it out. The middle of a long text is not seen:
for skimming and for comparing, not for looking things up.
"""

from __future__ import annotations

import numpy as np

from longdoc.attention.sparsity import SINK_TOKENS
from longdoc.errors import UserError
from longdoc.positions.method import Causal, Composed, Method
from longdoc.positions.streaming import Streaming


def streaming(method: Method, budget: int) -> Method:
    """Return streaming attention to `budget` tokens with a method's frequencies.

    Raises UserError for a method that places keys by a rule of its own.
    """
    if tuple(method.branches(1)) != (Causal(),) or method.stored_positions(np.zeros(1, np.int64)) is not None:
        raise UserError(
            "Streaming attention places the keys itself, and this position method does so too.",
            code="unknown_attention",
            next_step="Choose the position method none or yarn, or sparse attention.",
        )
    sinks = min(SINK_TOKENS, max(budget // 2, 1))
    return Composed(method, Streaming(sinks, max(budget - sinks, 1)))
