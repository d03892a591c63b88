"""The optimizers: AdamW for everything, or Muon for the convolutions with AdamW for the rest.

Invariant: batch normalisation and biases never decay. Both take the same learning rate and decay, because Muon's update
is scaled to the size that AdamW's has (Liu et al. 2025, arXiv 2502.16982, section 2.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """The nearest orthogonal matrix to each of [k,m,n], roughly: Newton-Schulz of degree five (Jordan et al. 2024)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * square @ square) @ x
    result: Tensor = x.transpose(1, 2) if tall else x
    return result.float()


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal, for convolution kernels seen as [outputs, the rest]."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step; kernels of one shape go through the matrix products together."""
        for group in self.param_groups:
            shapes: dict[tuple[int, ...], list[Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes.setdefault(tuple(parameter.shape), []).append(parameter)
            for parameters in shapes.values():
                self._step_alike(parameters, group)

    def _step_alike(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        gradients = [p.grad for p in parameters if p.grad is not None]
        for p in parameters:
            if "velocity" not in self.state[p]:
                self.state[p]["velocity"] = torch.zeros_like(p)
        velocities = [self.state[p]["velocity"] for p in parameters]
        torch._foreach_lerp_(velocities, gradients, 1 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, velocities, group["momentum"])  # Nesterov
        update = orthogonal(torch.stack([u.flatten(1) for u in ahead]))
        size = 0.2 * max(update.shape[1:]) ** 0.5
        updates = [u.view_as(p) for u, p in zip(update.unbind(), parameters, strict=True)]
        torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(parameters, updates, alpha=-group["lr"] * size)


def make(student: nn.Module, name: str, lr: float, weight_decay: float) -> list[torch.optim.Optimizer]:
    """`adamw` or `muon`. The stem and the head stay with AdamW, as Muon's authors advise for first and last layers."""
    kernels, matrices, rest = [], [], []
    for path, parameter in student.named_parameters():
        if parameter.ndim != 4:
            rest.append(parameter)
        elif path.startswith(("stem", "head")) or name == "adamw":
            matrices.append(parameter)
        else:
            kernels.append(parameter)
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
    fused = next(student.parameters()).is_cuda
    found: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=fused)]
    if kernels:
        found.append(Muon(kernels, lr, weight_decay))
    return found
