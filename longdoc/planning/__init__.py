"""A plan before every read: method, memory, time and zone, with reasons."""

from longdoc.planning.measurements import Cost, Measurements, Step, fit
from longdoc.planning.plan import ATTENTIONS, KV_DTYPE, declared_context, describe, duration, make_plan
from longdoc.planning.tiers import TIERS

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
