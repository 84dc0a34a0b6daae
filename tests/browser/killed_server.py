"""A server with a scripted model, to be killed: `killed_server.py HOME PORT STEP_S TOKEN_S`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[n]) for n in (0, 1, 2)]

if __name__ == "__main__":
    from running import start_server
    from scripted import Scripted

    home, port, step_s, token_s = sys.argv[1:]
    script = {"notice": ("The tenant gives thirty days of notice.", "thirty days, " + "as was agreed " * 40)}
    backend = Scripted(script, step_s=float(step_s), token_s=float(token_s))
    start_server(Path(home), backend, port=int(port))
    print("ready", flush=True)
    threading.Event().wait()
