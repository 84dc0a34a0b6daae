"""Lets tests import the stand-ins that lie beside this folder."""

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: waiting threads must not spin on a busy machine
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
