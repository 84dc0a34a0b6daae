"""No method: frequencies and distances as the checkpoint declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from longdoc.positions.method import Branch, Causal, Frequencies, Method


@dataclass(frozen=True)
class Unchanged(Method):
    """Plain causal attention; a checkpoint that declares YaRN keeps the YaRN it declares."""

    declared_range: int  # tokens

    @property
    def reach(self) -> int:
        return self.declared_range

    @property
    def numbers(self) -> Mapping[str, float]:
        return {}

    @property
    def frequencies(self) -> Frequencies | None:
        return None

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        return (Causal(),)
