"""Time a first question to a long text and a second one from a new process.

    python -m benchmarks.follow_up [--characters 48000]

Asks the beginning of the sample chronicle twice with the bundled reader, each
time by `longdoc ask --json` in its own process and with one temporary library.
Prints tokens read, tokens already read and seconds to the first word (model
loaded); the machine should be idle.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CHRONICLE = Path(__file__).parent.parent / "assets" / "samples" / "chronicle.txt"
QUESTIONS = ("Who took up the pen of the chronicle in 1381?", "Who is the scrivener of Greyferry?")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time a first question and one from a new process.")
    parser.add_argument("--characters", type=int, default=48_000, help="of the chronicle; 3 are about a token")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "chronicle.txt"
        text.write_text(CHRONICLE.read_text()[: args.characters])
        environment = {**os.environ, "LONGDOC_HOME": f"{folder}/home"}
        print(f"{'question':8} {'prompt':>7} {'cached':>7} {'reading':>9} {'first word':>11}")
        for name, question in zip(("first", "second"), QUESTIONS, strict=True):
            command = [sys.executable, "-m", "longdoc", "ask", str(text), "-q", question, "--json"]
            done = subprocess.run(command, env=environment, check=True, capture_output=True)
            usage = json.loads(done.stdout)["answers"][0]["usage"]
            print(
                f"{name:8} {usage['prompt_tokens']:>7,} {usage['cached_tokens']:>7,} "
                f"{usage['read_s']:>7.2f} s {usage['first_token_s']:>9.2f} s"
            )


if __name__ == "__main__":
    main()
