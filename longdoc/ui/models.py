"""Models as the pages need them: what there is, what each can take, how to count for it.

Weights stay unloaded until a question needs them; the catalogue looks at folders,
the engine asks servers. Which model a person chose comes with each call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from longdoc.answer import Kit, kit_of
from longdoc.backends.remote import is_address
from longdoc.engine import Engine
from longdoc.errors import LongDocError, UserError
from longdoc.evaluation.results import model_folder, read_summary
from longdoc.packing import Included
from longdoc.planning import ATTENTIONS, TIERS, describe, duration, memory
from longdoc.positions import METHODS, canonical, factor_for, make
from longdoc.settings import Settings
from longdoc.types import ModelInfo

MAX_NAME = 500
_LADDER = (2_048, 8_192, 32_768)


class Models:
    """Looks models up; remembers only the addresses and folders that pages ask for."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.settings, self.engine = settings, engine

    def kit(self, model: str) -> Kit:
        """Return what a model needs to be asked. Raises ModelError, RemoteError, UserError."""
        name = model.strip() or self.settings.model
        if len(name) > MAX_NAME or not name.isprintable():
            raise UserError("This is not the name of a model.", next_step="Choose one of the list.")
        return kit_of(self.engine, name)

    def listed(self, extra: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return a row for each model there is and for the folders, hub names or addresses in `extra`."""
        from longdoc.backends.catalogue import available

        names = [entry.name for entry in available(self.settings)]
        return [self.row(name) for name in dict.fromkeys([*names, *extra])]

    def row(self, name: str) -> dict[str, Any]:
        """Return one model as JSON; one that cannot be used says why."""
        try:
            info = self.engine.info(name)
        except LongDocError as error:
            return {"name": name, "usable": False, "why": str(error), "remote": is_address(name)}
        return {
            "name": name,
            "usable": True,
            "remote": info.kind == "remote",
            "architecture": info.architecture,
            "native": info.native_context,
            "window": self.engine.plan(name, 1).window,
            "tested": info.tested_context,
            "parameters": info.n_parameters,
            "size": memory.size(info.weight_bytes) if info.weight_bytes else "",
            "licence": info.licence,
            "note": info.note,
            "fits": self._fits(name),
            "methods": windows(info) if info.kind != "remote" else [],
            "measured": measured_lengths(self.settings, name),
        }

    def preview(
        self, model: str, n_tokens: int, window: int | None = None, how: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return in words what reading `n_tokens` would take. Raises ModelError, UserError for an impossible `how`."""
        plan = self.engine.plan(model, n_tokens, **({"window": window} if window else {}), **(how or {}))
        return {
            "tokens": n_tokens,
            "window": plan.window,
            "zone": plan.zone,
            "method": describe(plan.position_method, plan.factor),
            "attention": plan.attention,
            "tier": plan.cache_tier,
            "memory": memory.size(plan.predicted_bytes) if plan.predicted_bytes else "",
            "time": time_in_words(plan.predicted_s),
            "reasons": list(plan.reasons),
        }

    def _fits(self, name: str) -> list[dict[str, Any]]:
        """Return for some lengths whether they fit the window and this computer's memory."""
        rows = []
        available = memory.available_bytes()
        longest = self.engine.plan(name, 1).window - self.settings.answer_reserve_tokens
        for n_tokens in [*(n for n in _LADDER if n < longest), longest]:
            plan = self.engine.plan(name, n_tokens)
            too_big = bool(plan.predicted_bytes) and memory.refusal(plan, plan.predicted_bytes, available) is not None
            word = "over the window" if plan.zone == "over" else "too big for memory" if too_big else "fits"
            rows.append({"tokens": n_tokens, "word": word})
        return rows


def windows(info: ModelInfo) -> list[dict[str, Any]]:
    """Return how far each position method takes a model, in tokens; 0 and why where it takes it nowhere."""
    rows = []
    for name in METHODS:
        try:
            reach = make(name, info, factor_for(name, info, info.window)).reach
            rows.append({"name": name, "window": min(int(reach), info.window), "why": ""})
        except LongDocError as error:
            rows.append({"name": name, "window": 0, "why": error.message})
    return rows


def measured_lengths(settings: Settings, model: str) -> list[dict[str, Any]]:
    """Return for each length measured on this machine the best way of reading it whole, with its score."""
    best: dict[int, dict[str, Any]] = {}
    for report in read_summary(model_folder(settings, model)):
        for row in report["rows"]:
            whole = row.get("mode") == "single" and row.get("depth") is None and row.get("length")
            if not whole or row.get("unit") is not None or row.get("form") is not None:
                continue
            length, score = int(row["length"]), float(row["score"])
            if length not in best or score > best[length]["score"]:
                method = str(row["position_method"])
                best[length] = {"length": length, "method": method, "score": score, "n": int(row["n"])}
    return [best[length] for length in sorted(best)]


def overrides_of(how: Mapping[str, Any] | None) -> dict[str, str]:
    """Return what a person chose in place of the planner, checked. Raises UserError for an unknown choice."""
    known = {"position": tuple(METHODS), "attention": ATTENTIONS, "tier": TIERS}
    chosen = {name: value for name, value in (how or {}).items() if value}
    for name, value in chosen.items():
        if name == "position" and isinstance(value, str):
            chosen[name] = canonical(value)
        elif name not in known or value not in known[name]:
            raise UserError("This way of reading does not exist.", next_step="Choose another, or the planner's.")
    return chosen


def count(kit: Kit, item: Included) -> int:
    """Return the tokens that a document takes in a prompt, its headers included."""
    prompt = kit.pack([item], None if not kit.remote else "")
    return sum(r.tokens[1] - r.tokens[0] for r in prompt.regions if r.document_id == item.document.id)


def count_question(kit: Kit, question: str) -> int:
    """Return the tokens of everything in a prompt that is no document."""
    return len(kit.pack([], question).token_ids)


def counting(kit: Kit) -> str:
    """Return what tells counts of this model from those of others."""
    return kit.tokenizer.fingerprint if kit.tokenizer is not None else "estimate"


def time_in_words(seconds: float | None) -> str:
    """Return a predicted time; "not measured yet" where nothing is known."""
    return "not measured yet" if seconds is None else f"about {duration(seconds)}"
