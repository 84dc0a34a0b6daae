"""Muon for the 2-D block matrices, AdamW for the embedding and the norms."""

from __future__ import annotations

import torch
from torch import nn


class Optimisers:
    """Two optimisers stepped together; `scale` is the schedule's multiple of each peak rate."""

    def __init__(
        self, model: nn.Module, muon_lr: float, embedding_lr: float, norm_lr: float, decay: float = 0.05
    ) -> None:
        matrices, embeddings, norms = [], [], []
        for name, weight in model.named_parameters():
            if weight.ndim == 2 and "embed" not in name and "lm_head" not in name:
                matrices.append(weight)
            elif weight.ndim == 2:
                embeddings.append(weight)
            else:
                norms.append(weight)
        self.muon = torch.optim.Muon(
            matrices, lr=muon_lr, weight_decay=decay, momentum=0.95, nesterov=True, adjust_lr_fn="match_rms_adamw"
        )
        self.adam = torch.optim.AdamW(
            [
                {"params": embeddings, "lr": embedding_lr, "weight_decay": 0.0},
                {"params": norms, "lr": norm_lr, "weight_decay": 0.0},
            ],
            betas=(0.9, 0.95),
        )
        self.peaks = [[group["lr"] for group in optimiser.param_groups] for optimiser in (self.muon, self.adam)]

    def step(self, scale: float) -> None:
        """Step both at `scale` times their peak rates and clear gradients."""
        for optimiser, peaks in zip((self.muon, self.adam), self.peaks, strict=True):
            for group, peak in zip(optimiser.param_groups, peaks, strict=True):
                group["lr"] = peak * scale
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, object]:
        return {"muon": self.muon.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, dict[str, object]]) -> None:
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
