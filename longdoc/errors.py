"""Every exception LongDoc raises on purpose.

    LongDocError
      UserError        a request that cannot be carried out as asked
      SourceError      a file that cannot be read
      PromptTooLong    documents and question over the window
      ModelError       a model that cannot be loaded or run
        RemoteError    a server that cannot be reached or answers wrongly
      CacheError       a stored reading that cannot be used (always recoverable by reading again)
      StoreError       the library database or disk
      Stopped          a person pressed Stop

Each carries a stable `code` and a message made of what happened, why, and what
to do. Third-party exceptions are translated where they enter (`raise ... from`).
"""

from __future__ import annotations


class LongDocError(Exception):
    """Base of all errors shown to people: one clear sentence or two, never a traceback."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()


class UserError(LongDocError):
    """The request itself is wrong: an empty question, an unknown option, a missing path."""

    code = "bad_request"


class SourceError(LongDocError):
    """A source cannot be read. Codes: not_found, too_large, unsupported, damaged, encrypted,
    no_text, no_audio, timeout, too_much_memory, crashed, bomb, empty."""

    code = "unreadable"


class PromptTooLong(LongDocError):
    """The prompt does not fit the window. `over_tokens` says by how much."""

    code = "over_window"

    def __init__(self, message: str, *, over_tokens: int, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.over_tokens = over_tokens


class ModelError(LongDocError):
    """A model is missing, damaged, unsupported, or does not fit in memory."""

    code = "model"


class RemoteError(ModelError):
    """A remote engine cannot be reached, refuses, or breaks off."""

    code = "remote"


class CacheError(LongDocError):
    """A stored reading cannot be used; the caller reads again and says why."""

    code = "cache"


class StoreError(LongDocError):
    """The library database or its disk refuses."""

    code = "store"


class Stopped(LongDocError):
    """Work ended because a person asked for it."""

    code = "stopped"

    def __init__(self, message: str = "Stopped.") -> None:
        super().__init__(message)
