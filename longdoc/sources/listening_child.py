"""The child's side of listening.py: open a recording, load an engine, send what it hears.

The recording is opened first, so that a bad file is told at once and not after a model was loaded.
"""

from __future__ import annotations

import importlib
import json
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from longdoc.settings import Settings
from longdoc.sources.child import send, serve
from longdoc.speech.decoding import Recording
from longdoc.speech.engine import SpeechOptions

OPENED, READY, HEARD, DONE = b"o", b"r", b"h", b"D"


def main() -> None:
    """Serve one request from standard input and end."""
    serve(_listen)


def _listen(request: dict[str, Any], settings: Settings, output: int) -> list[tuple[bytes, bytes]]:
    def tell(kind: bytes, **message: Any) -> None:
        send(output, [(kind, json.dumps(message).encode())])

    with Path(request["path"]).open("rb") as file:
        recording = Recording(file, request["form"], request["name"], settings.max_recording_s)
        tell(OPENED, declared_s=recording.told.declared_s)
        options = SpeechOptions(**{**request["options"], "terms": tuple(request["options"]["terms"])})
        module, _, factory = request["factory"].partition(":")
        engine = getattr(importlib.import_module(module), factory)(options)
        tell(READY, label=engine.label)
        start_s = float(request["start_s"])
        for heard in engine.transcribe(recording.pieces(start_s), options, threading.Event(), start_s):
            tell(HEARD, **asdict(heard))
        told = recording.told
        told.finish(request["name"])
    return [(DONE, json.dumps({"duration_s": told.decoded_s, "notes": told.notes}).encode())]


if __name__ == "__main__":
    main()
