"""Runs readings that are going to be killed. Imports once, then forks a child for every line on standard input.

A line is JSON: {"home": folder, "seed": text, "n_tokens": n, "step_s": seconds}. Prints the child's
process id when it starts and "done" or "killed" when it has ended.
"""

import json
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from standin import StandIn, plan_for, prompt_of, text_of

from longdoc.engine import Engine
from longdoc.settings import Settings


def read(job: dict) -> None:
    backend = StandIn(step_s=job["step_s"])
    engine = Engine(
        Settings(home=Path(job["home"]), checkpoint_every_s=0.0), load=lambda model, settings: backend
    )  # fmt: skip
    prompt = prompt_of(text_of(job["n_tokens"], job["seed"]))
    engine.read("m", prompt, plan_for(backend, len(prompt.token_ids), step=128), threading.Event())
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
