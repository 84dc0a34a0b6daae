"""Runs readings that are going to be killed. Imports once, then forks a child for every line on standard input.

A line is JSON: {"file_bytes": n, "home": folder, "seed": text, "n_tokens": n, "step_s": seconds,
"tier": name, "form": name}. Prints the child's process id when it starts and "done" or "killed" when it has ended.
"""

import json
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from standin import StandIn, plan_for, prompt_of, text_of

from longdoc.cache import layout
from longdoc.engine import Engine
from longdoc.settings import Settings


def read(job: dict) -> None:
    layout.FILE_BYTES = job["file_bytes"]
    settings = Settings(home=Path(job["home"]), checkpoint_every_s=0.0)
    backend = StandIn(step_s=job["step_s"], working=settings.cache_working)
    engine = Engine(settings, load=lambda model, settings: backend)
    prompt = prompt_of(text_of(job["n_tokens"], job["seed"]))
    plan = plan_for(backend, len(prompt.token_ids), step=128, tier=job["tier"], kv_dtype=job["form"])
    engine.read("m", prompt, plan, threading.Event())
    engine.close()


if __name__ == "__main__":
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            read(json.loads(line))
            os._exit(0)
        print(process, flush=True)
        _, status = os.waitpid(process, 0)
        print("done" if status == 0 else "killed" if os.WIFSIGNALED(status) else "failed", flush=True)
