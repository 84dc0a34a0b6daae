"""Lets tests import the desk with scripted models that tests/answer uses."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "answer"), str(Path(__file__).resolve().parents[1])]
