"""Train the reader: one command for CPU and GPU, resumable at any minute.

    python -m models.recipe.train --config models/recipe/configs/cpu10m.json --data DATA --tokens TOKENS --out RUN

A run folder holds `checkpoint.pt` (weights, optimisers, random state, token
count; written every two minutes and at stage ends), `weights-<stage>.pt` and
`log.jsonl`. Starting again with the same folder goes on from the checkpoint.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import dataclasses
import functools
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from models.recipe.feed import Feed
from models.recipe.mixture import Batch, Mixture, Stage
from models.recipe.model import configuration, new_model
from models.recipe.optimiser import Optimisers
from models.recipe.sequence import KINDS


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """A run: the model's shape, the stages in order, peak rates."""

    shape: dict[str, int]
    stages: list[Stage]
    muon_lr: float
    embedding_lr: float
    norm_lr: float
    seed: int = 1
    clip: float = 1.0
    warmup_steps: int = 100
    micro_tokens: int = 8192  # tokens of one forward pass; a larger batch accumulates

    @classmethod
    def read(cls, path: Path) -> RunConfig:
        raw = json.loads(path.read_text())
        raw["stages"] = [Stage(**stage) for stage in raw["stages"]]
        return cls(**raw)


class Trainer:
    """One run: model, optimisers, position in the stages."""

    def __init__(self, config: RunConfig, out: Path, device: str, compiled: bool) -> None:
        self.config, self.out, self.device = config, out, device
        out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(config.seed)
        self.model = new_model(configuration(config.shape)).to(device)
        self.optimisers = Optimisers(self.model, config.muon_lr, config.embedding_lr, config.norm_lr)
        self.stage_index = 0
        self.stage_tokens = 0
        self.total_tokens = 0
        self.step_count = 0
        self.seconds = 0.0
        self.compiled = compiled
        self._resume()

    def start_from(self, folder: Path) -> None:
        """Take the first weights from an exported model, unless the run has a checkpoint already."""
        if self.step_count == 0:
            from safetensors.torch import load_file

            self.model.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
            self.model.tie_weights()

    def _resume(self) -> None:
        path = self.out / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimisers.load_state_dict(state["optimisers"])
        for name in ("stage_index", "stage_tokens", "total_tokens", "step_count", "seconds"):
            setattr(self, name, state[name])
        print(f"resumed at {self.total_tokens:,} tokens", flush=True)

    def save(self) -> None:
        state = {"model": self.model.state_dict(), "optimisers": self.optimisers.state_dict()}
        for name in ("stage_index", "stage_tokens", "total_tokens", "step_count", "seconds"):
            state[name] = getattr(self, name)
        temporary = self.out / "checkpoint.tmp"
        torch.save(state, temporary)
        temporary.replace(self.out / "checkpoint.pt")

    def run(self, make: Callable[[int], Mixture], time_limit_s: float, processes: int = 0) -> None:
        """Train through the stages until done or out of time; `make` builds the mixture for a seed."""
        started = time.time()
        while self.stage_index < len(self.config.stages):
            stage = self.config.stages[self.stage_index]
            if stage.tokens:
                self._use_frequencies(stage)
                seed = self.config.seed + 7919 * self.step_count  # a resumed run meets other batches
                feed = Feed(make, stage, seed, processes)
                finished = self._run_stage(stage, feed, started, time_limit_s)
                if not finished:
                    self.save()
                    return
                torch.save(self.model.state_dict(), self.out / f"weights-{stage.name}.pt")
            self.stage_index, self.stage_tokens = self.stage_index + 1, 0
            self.save()

    def _use_frequencies(self, stage: Stage) -> None:
        config = configuration(self.config.shape, stage.yarn_factor)
        self.model.model.rotary_emb = type(self.model.model.rotary_emb)(config).to(self.device)
        torch._dynamo.reset()
        self.base = torch.compile(self.model.model) if self.compiled else self.model.model

    def _run_stage(self, stage: Stage, feed: Feed, started: float, time_limit_s: float) -> bool:
        saved = logged = time.time()
        sums: dict[str, float] = {}
        try:
            while self.stage_tokens < stage.tokens:
                if time.time() - started > time_limit_s:
                    return False
                at = time.time()
                self._step(feed.next(), stage, sums)
                self.seconds += time.time() - at
                if time.time() - logged > 30:
                    self._log(stage, sums)
                    sums, logged = {}, time.time()
                if time.time() - saved > 120:
                    self.save()
                    saved = time.time()
            self._log(stage, sums)
            return True
        finally:
            feed.stop()

    def _step(self, batch: Batch, stage: Stage, sums: dict[str, float]) -> None:
        progress = self.stage_tokens / stage.tokens
        scale = stage.lr_start + (stage.lr_end - stage.lr_start) * progress
        scale *= min(1.0, (self.step_count + 1) / self.config.warmup_steps)
        total = float(batch.weights.sum())
        rows = max(1, self.config.micro_tokens // batch.ids.shape[1])
        for first in range(0, len(batch.ids), rows):
            part = Batch(
                batch.ids[first : first + rows], batch.weights[first : first + rows], batch.kinds[first : first + rows]
            )
            self._backward(part, stage, total, sums)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimisers.step(scale)
        self.step_count += 1
        self.stage_tokens += batch.ids.size
        self.total_tokens += batch.ids.size
        sums["steps"] = sums.get("steps", 0) + 1
        sums["tokens"] = sums.get("tokens", 0) + batch.ids.size
        sums["norm"] = sums.get("norm", 0) + float(norm)
        sums["scale"] = scale

    def _backward(self, batch: Batch, stage: Stage, total: float, sums: dict[str, float]) -> None:
        ids = torch.from_numpy(batch.ids).to(self.device)
        places = np.flatnonzero(batch.weights.reshape(-1) > 0)  # never in a row's first column
        chosen = torch.from_numpy(places).to(self.device)
        weights = torch.from_numpy(batch.weights.reshape(-1)[places]).to(self.device)
        kinds = batch.kinds.reshape(-1)[places]
        extra: dict[str, Any] = {}
        if stage.max_position:
            extra["position_ids"] = jumping_positions(ids, stage.max_position)
            # A mask that is given keeps jumps from being taken for packed sequences.
            extra["attention_mask"] = causal_mask(ids.shape[1], ids.device)
        with torch.autocast(self.device.split(":")[0], torch.bfloat16):
            hidden = self.base(input_ids=ids, use_cache=False, **extra).last_hidden_state
            logits = self.model.lm_head(hidden.reshape(-1, hidden.shape[-1])[chosen - 1])
        targets = ids.reshape(-1)[chosen]
        losses = F.cross_entropy(logits.float(), targets, reduction="none")
        torch.autograd.backward((losses * weights).sum() / total)
        with torch.no_grad():
            right = (logits.argmax(-1) == targets).cpu().numpy()
            each = losses.cpu().numpy()
        for kind in np.unique(kinds):
            where = kinds == kind
            name = KINDS[kind]
            sums[f"{name}.n"] = sums.get(f"{name}.n", 0) + int(where.sum())
            sums[f"{name}.right"] = sums.get(f"{name}.right", 0) + float(right[where].sum())
            sums[f"{name}.loss"] = sums.get(f"{name}.loss", 0) + float(each[where].sum())

    def _log(self, stage: Stage, sums: dict[str, float]) -> None:
        if not sums.get("steps"):
            return
        row: dict[str, Any] = {
            "stage": stage.name,
            "tokens": self.total_tokens,
            "seconds": round(self.seconds),
            "lr": round(sums["scale"], 4),
            "norm": round(sums["norm"] / sums["steps"], 2),
        }
        for name in KINDS:
            if sums.get(f"{name}.n"):
                n = sums[f"{name}.n"]
                row[name] = [round(sums[f"{name}.loss"] / n, 3), round(sums[f"{name}.right"] / n, 3)]
        with (self.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)


def jumping_positions(ids: torch.Tensor, max_position: int) -> torch.Tensor:
    """Return positions of shape (batch, length), rising to at most `max_position` with 1-8 jumps a row (PoSE)."""
    batch, length = ids.shape
    rows = []
    for _ in range(batch):
        room = max_position - length
        span = int(room * random.random())
        cuts = sorted(random.randrange(1, length) for _ in range(random.randint(1, 8)))
        shares = np.random.dirichlet(np.ones(len(cuts))) * span
        steps = np.ones(length, np.int64)
        steps[0] = 0
        for cut, share in zip(cuts, shares, strict=True):
            steps[cut] += int(share)
        rows.append(torch.from_numpy(steps.cumsum()))
    return torch.stack(rows).to(ids.device)


def causal_mask(length: int, device: torch.device) -> torch.Tensor:
    """Return a boolean causal mask of shape (1, 1, length, length)."""
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()[None, None]


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the reader.")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokens", type=Path, required=True, help="folder made by models.recipe.shards")
    parser.add_argument("--tokenizer", type=Path, default=Path("models/reader"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start-from", type=Path, help="exported model whose weights a new run begins with")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--time-limit-s", type=float, default=float("inf"))
    parser.add_argument("--processes", type=int, default=0, help="that draw batches; 0: a thread, enough for a CPU")
    parser.add_argument("--no-compile", action="store_true")
    args = parser.parse_args()
    torch.set_flush_denormal(True)
    config = RunConfig.read(args.config)
    trainer = Trainer(config, args.out, args.device, not args.no_compile)
    if args.start_from:
        trainer.start_from(args.start_from)
    random.seed(config.seed + trainer.step_count)
    np.random.seed(config.seed + trainer.step_count)
    make = functools.partial(Mixture, args.data, args.tokens, args.tokenizer)
    trainer.run(make, args.time_limit_s, args.processes)


if __name__ == "__main__":
    main()
