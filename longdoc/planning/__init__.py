"""A plan before every read: method, memory, time and zone, with reasons."""

from longdoc.planning.attention import ATTENTIONS
from longdoc.planning.measurements import Cost, Measurements, Step, fit
from longdoc.planning.plan import KV_DTYPE, declared_context, describe, make_plan
from longdoc.planning.tiers import TIERS
from longdoc.planning.words import duration

__all__ = [
    "ATTENTIONS",
    "KV_DTYPE",
    "TIERS",
    "Cost",
    "Measurements",
    "Step",
    "declared_context",
    "describe",
    "duration",
    "fit",
    "make_plan",
]
