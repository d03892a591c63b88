"""Inserts batch normalisation into a folded student again, so that the whole network can be trained at ordinary rates.

Invariant: `unfolded` changes no output by more than rounding, before and after `measure_statistics`; only what training
does with the network changes.

Folded kernels carry the factor of the normalisation in them and differ in size from channel to channel, so one learning
rate is too large for some of them and too small for others. With normalisation behind it, the size of a kernel changes
no output. Each output channel's kernel is therefore scaled to the size at which a long training with Muon holds it
(`KERNEL_SIZE`), and the normalisation takes the factor back. Its running statistics are measured on pictures as the
student sees them in training; otherwise the first steps would change every output, because in training a batch
normalises by its own statistics.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from .folding import BATCH_NORM_EPSILON, NORMALISATION, Convolution, Network, width, without_normalisation
from .student import Student, Unit

# Root mean square of a kernel's numbers where decay and steps balance: 0.2 sqrt(lr / (2 decay)), with the size 0.2 of
# a step of Muon (optimizers.py), and the rate 5e-3 and decay 0.05 of the recipe.
KERNEL_SIZE = 0.2 * (5e-3 / (2 * 0.05)) ** 0.5


@torch.no_grad()
def _set_unit(unit: Unit, layer: Convolution) -> None:
    """The layer as a convolution of size `KERNEL_SIZE` and a normalisation with mean 0 and factor 1 / scale."""
    kernel = torch.from_numpy(np.ascontiguousarray(layer.kernel.transpose(3, 2, 0, 1)))
    size = kernel.square().mean((1, 2, 3)).sqrt()
    scale = torch.where(size > 1e-12, KERNEL_SIZE / size.clamp_min(1e-12), torch.ones_like(size))
    unit.c.weight.copy_(kernel * scale[:, None, None, None])
    unit.b.weight.copy_(1 / scale)
    unit.b.bias.copy_(torch.from_numpy(layer.bias))
    cast(Tensor, unit.b.running_mean).zero_()
    cast(Tensor, unit.b.running_var).fill_(1 - BATCH_NORM_EPSILON)


class NormalisedUnit(nn.Module):
    """A folded layer with batch normalisation again, for the layers of a folded student that are trained."""

    def __init__(self, layer: Convolution) -> None:
        super().__init__()
        side, _, inputs, outputs = layer.kernel.shape
        self.unit, self.relu = Unit(inputs, outputs, side, layer.stride), layer.relu
        _set_unit(self.unit, layer)

    @property
    def weight(self) -> Tensor:
        """The kernel [o,i,h,w] before normalisation."""
        return self.unit.c.weight

    def forward(self, x: Tensor) -> Tensor:
        """Convolves, normalises, and rectifies where the network does."""
        y: Tensor = self.unit(x)
        return torch.relu(y) if self.relu else y

    def folded(self) -> Convolution:
        """The layer as it is now, with the running statistics."""
        norm = [getattr(self.unit.b, part).detach().numpy() for part in NORMALISATION]
        kernel, bias = without_normalisation(self.unit.c.weight.detach().numpy(), norm)
        return Convolution(kernel, bias, int(self.unit.c.stride[0]), self.relu)


@torch.no_grad()
def unfolded(network: Network) -> Student:
    """A student that computes what the folded network computes. Raises KeyError when a layer is missing."""
    head = network["head"]
    student = Student(width(network), numbers=head.kernel.shape[3])
    for name, module in student.named_modules():
        if isinstance(module, Unit):
            _set_unit(module, network[name])
    set_head(student, head.kernel[0, 0], head.bias)
    return student.eval()


@torch.no_grad()
def set_head(student: Student, weight: np.ndarray, bias: np.ndarray) -> None:
    """Another head: `weight` [features, numbers], `bias` [numbers]."""
    kernel = torch.from_numpy(np.ascontiguousarray(weight.T, dtype=np.float32))[:, :, None, None]
    head = nn.Conv2d(kernel.shape[1], len(kernel), 1).to(student.head.weight.device)
    head.weight.copy_(kernel)
    head.bias.copy_(torch.from_numpy(np.asarray(bias, np.float32)))  # type: ignore[union-attr]
    student.head, student.numbers = head, len(kernel)


class _Moments:
    """Sums over a normalisation's inputs, in double precision: [c] each."""

    def __init__(self) -> None:
        self.count = 0
        self.sum: Tensor | float = 0.0
        self.square: Tensor | float = 0.0

    def add(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """A forward hook."""
        x = inputs[0].double()
        self.count += x.numel() // x.shape[1]
        self.sum, self.square = self.sum + x.sum((0, 2, 3)), self.square + x.square().sum((0, 2, 3))


@torch.no_grad()
def measure_statistics(student: nn.Module, batches: Iterable[Tensor]) -> None:
    """Sets every normalisation's running statistics to those of `batches` (student's input), and keeps its outputs.

    Raises ValueError without a batch.
    """
    student.eval()
    units = [module for module in student.modules() if isinstance(module, Unit)]
    found = [_Moments() for _ in units]
    hooks = [unit.b.register_forward_pre_hook(each.add) for unit, each in zip(units, found, strict=True)]
    for batch in batches:
        student(batch)
    for hook in hooks:
        hook.remove()
    if found[0].count == 0:
        raise ValueError("no pictures to measure statistics on")
    for unit, moments in zip(units, found, strict=True):
        mean = torch.as_tensor(moments.sum) / moments.count
        variance = (torch.as_tensor(moments.square) / moments.count - mean.square()).clamp_min(0)
        old_mean, old_variance = (cast(Tensor, each).double() for each in (unit.b.running_mean, unit.b.running_var))
        factor = unit.b.weight.double() / torch.sqrt(old_variance + BATCH_NORM_EPSILON)
        unit.b.weight.copy_(factor * torch.sqrt(variance + BATCH_NORM_EPSILON))
        unit.b.bias.copy_(unit.b.bias.double() + (mean - old_mean) * factor)
        cast(Tensor, unit.b.running_mean).copy_(mean)
        cast(Tensor, unit.b.running_var).copy_(variance)
