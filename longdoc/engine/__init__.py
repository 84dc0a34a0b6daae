"""One worker: queue, admission, prefix reuse, progress and stop around the models."""

from longdoc.engine.engine import Engine

__all__ = ["Engine"]
