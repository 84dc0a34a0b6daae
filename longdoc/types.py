"""Core nouns. Frozen dataclasses, standard library only.

All ranges are half-open. `Segment`, `Citation` and `Passage` ranges count
characters of `Document.text`; `Region.tokens` counts tokens of the prompt.
A source is the file as it came; a document is what a loader read from it: one
document for a file, one document for a whole code base (its files are segments).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

SegmentKind = Literal["page", "chapter", "section", "sheet", "slide", "file", "cell", "utterance"]
CitationStatus = Literal["verified", "fuzzy", "attended", "not_found"]
CitationOrigin = Literal["attention", "quote", "retrieval"]
Zone = Literal["native", "extended_tested", "extended_untested", "over"]
Mode = Literal["single", "chunked", "none"]


@dataclass(frozen=True)
class Source:
    """One file as it came in, known by its content."""

    id: str  # SHA-256 of the bytes, hexadecimal
    name: str  # shown escaped; never used as a path
    media_type: str
    size_bytes: int
    path: str  # where the library keeps the bytes, or the original path


@dataclass(frozen=True)
class Rectangle:
    """A place on a page in PDF points, origin at the top left."""

    page: int  # 1-based
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Segment:
    """A part of a document that a person can name."""

    start: int
    end: int
    kind: SegmentKind
    label: str  # "p. 12", "Chapter 3", "src/cart.py", "00:01:05"
    page: int | None = None  # 1-based position of the page in the file
    start_s: float | None = None
    end_s: float | None = None
    level: int = 0  # depth in an outline; 0 for flat kinds


@dataclass(frozen=True)
class Warned:
    """Something a person should know about how a document was read."""

    code: str  # e.g. no_text, invisible_text, skipped_file, possible_secret, encoding
    message: str
    where: str = ""  # page list, file path, line


@dataclass(frozen=True)
class Document:
    """Text of one source with named segments. Segments are ordered and do not overlap."""

    id: str  # SHA-256 of loader name, loader version and text
    source_id: str
    title: str
    text: str
    segments: tuple[Segment, ...] = ()
    warnings: tuple[Warned, ...] = ()
    loader: str = ""
    details: dict[str, Any] = field(default_factory=dict)  # JSON: pages, layout, tree, ...


@dataclass(frozen=True)
class Region:
    """A run of prompt tokens with one role. Document regions map tokens to characters."""

    role: Literal["system", "document", "question"]
    tokens: tuple[int, int]
    document_id: str | None = None
    document_offset: int = 0  # character of Document.text where this region's text begins
    # One (start, end) per token, in characters of Document.text; empty for other roles.
    chars: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Omitted:
    """Text the model does not read, and why. Nothing is left out without one of these."""

    source: str
    what: str  # "pages 41-80", "page 33", "tests/ (as outline)"
    reason: str
    n_tokens: int = 0


@dataclass(frozen=True)
class Prompt:
    """What the model reads. `prefix_len` tokens belong to the documents and can be kept."""

    token_ids: tuple[int, ...]
    regions: tuple[Region, ...]
    omitted: tuple[Omitted, ...]
    prefix_len: int


@dataclass(frozen=True)
class ModelInfo:
    """What is known of a model before its weights are loaded (from its folder or its server)."""

    name: str  # "reader", a folder, a hub name, or a server address with model
    kind: Literal["transformer", "state_space", "remote"]
    folder: str | None
    architecture: str  # "Qwen3ForCausalLM"
    native_context: int  # tokens it was trained on without extension
    window: int  # longest prompt it accepts
    tested_context: int  # longest prompt it was measured on; 0: not measured
    head_dim: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    n_parameters: int
    weight_bytes: int
    rope_theta: float
    rope_parameters: dict[str, Any] = field(default_factory=dict)  # as the checkpoint declares them
    licence: str = ""
    note: str = ""  # what it cannot do, in plain words
    state_bytes: int = 0  # recurrent state of one reading, whatever its length; 0 for models without
    # How much farther than a prompt's length positions are stretched: 2 where far distances were seen too rarely in
    # training for the model to use (measured; the model's card says it). 1: exactly to the length.
    position_margin: float = 1.0


@dataclass(frozen=True)
class ReadingPlan:
    """How a prompt will be read, what it will cost, and why."""

    model: str
    n_tokens: int
    native_context: int
    window: int
    position_method: str  # "none", "yarn", "string", "string+yarn", ...
    factor: float
    attention: str
    cache_tier: str
    kv_dtype: str
    prefill_step: int
    predicted_bytes: int
    predicted_s: float | None  # None: not measured yet on this machine
    zone: Zone
    reasons: tuple[str, ...]
    attention_budget: int = 0  # keys a query may meet, for sparse and streaming attention


@dataclass(frozen=True)
class Progress:
    """One step of a long job. `left_s` is None until it can be known."""

    stage: Literal["queued", "loading", "reading", "reused", "answering", "saving", "indexing"]
    done: int
    total: int
    left_s: float | None = None
    text: str = ""  # text generated so far, while answering


@dataclass(frozen=True)
class Usage:
    """What an answer cost. `cached_tokens` counts tokens whose reading was skipped."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    read_s: float = 0.0
    first_token_s: float = 0.0
    total_s: float = 0.0
    peak_bytes: int = 0  # anonymous memory; mapped pages are not counted
    attention_recall: float | None = None  # share of dense attention that sparse attention held, on a sample


@dataclass(frozen=True)
class Generation:
    """What the engine returns for one prompt, before anything is made of it."""

    output_ids: tuple[int, ...]
    text: str
    stop_reason: str  # end | length | stopped
    usage: Usage
    # For every output token the prefix blocks (of `block_tokens` prompt tokens) that attention
    # read most, as (block index, share of the token's attention on the prefix), best first.
    evidence: tuple[tuple[tuple[int, float], ...], ...] = ()
    block_tokens: int = 64
    warnings: tuple[str, ...] = ()  # e.g. why a stored reading was not used


@dataclass(frozen=True)
class Citation:
    """Where an answer's words come from."""

    document_id: str
    source: str  # name of the source
    label: str  # "p. 12", "src/cart.py:40-44"
    start: int
    end: int
    quote: str  # Document.text[start:end]
    status: CitationStatus
    origin: CitationOrigin
    page: int | None = None
    line_start: int | None = None
    line_end: int | None = None
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True)
class Passage:
    """A retrieved piece of a document."""

    document_id: str
    start: int
    end: int
    text: str
    score: float = 0.0


@dataclass(frozen=True)
class Answer:
    """One answer in one mode."""

    question: str
    mode: Mode
    text: str
    stop_reason: str  # end | length | stopped | not_stated
    model: str
    plan: ReadingPlan | None
    citations: tuple[Citation, ...] = ()
    omitted: tuple[Omitted, ...] = ()
    passages: tuple[Passage, ...] = ()
    usage: Usage = field(default_factory=Usage)
    warnings: tuple[str, ...] = ()
