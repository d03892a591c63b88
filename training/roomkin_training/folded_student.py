"""The student without batch normalisation, in PyTorch: what fine-tuning starts from when only folded weights are left.

Invariant: the same numbers as the folded network in Keras and on the device ("same" padding everywhere, as student.py
says), with and without `normalise`. The trunk up to and including stage 3 is frozen; stage 4 and the head are trained.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .folding import BLOCKS, FIRST_OF_STAGE, Convolution, Floats, Network
from .student import _pad
from .unfold import NormalisedUnit

LAST_STAGE = FIRST_OF_STAGE[-1]


class FoldedUnit(nn.Module):
    """A "same" convolution with a bias. [n,i,h,w] to [n,o,h/stride,w/stride]."""

    def __init__(self, layer: Convolution) -> None:
        super().__init__()
        self.stride, self.relu = layer.stride, layer.relu
        self.weight = nn.Parameter(torch.from_numpy(np.ascontiguousarray(layer.kernel.transpose(3, 2, 0, 1))))
        self.bias = nn.Parameter(torch.from_numpy(layer.bias.copy()))

    def forward(self, x: Tensor) -> Tensor:
        """Convolves, and rectifies where the network does."""
        x, padding = _pad(x, self.weight.shape[-1], self.stride)
        y = F.conv2d(x, self.weight, self.bias, self.stride, padding)
        return F.relu(y) if self.relu else y

    def folded(self) -> Convolution:
        """The layer as it is now."""
        kernel = self.weight.detach().float().numpy().transpose(2, 3, 1, 0)
        return Convolution(np.ascontiguousarray(kernel), self.bias.detach().float().numpy(), self.stride, self.relu)


class FoldedStudent(nn.Module):
    """RGB `pixel / 127.5 - 1` float [n,3,112,112] to embeddings float [n,numbers], of any length."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.units = nn.ModuleDict({name.replace(".", "_"): FoldedUnit(layer) for name, layer in network.items()})

    def _unit(self, name: str, x: Tensor) -> Tensor:
        y: Tensor = self.units[name.replace(".", "_")](x)
        return y

    def block(self, number: int, x: Tensor) -> Tensor:
        """Residual block `number` (0 to 15): [n,i,h,w] to [n,o,h/stride,w/stride]."""
        block = f"body.{number}"
        y = self._unit(f"{block}.c", self._unit(f"{block}.b", self._unit(f"{block}.a", x)))
        has_projection = f"body_{number}_p" in self.units
        return F.relu(y + (self._unit(f"{block}.p", x) if has_projection else x))

    def frozen(self, x: Tensor) -> Tensor:
        """The map after stage 3: float [n,1024 width,7,7]."""
        x = self._unit("stem", x)
        x, padding = _pad(x, 3, 2)
        x = F.max_pool2d(x, 3, 2, padding)
        for number in range(LAST_STAGE):
            x = self.block(number, x)
        return x

    def features(self, middle: Tensor) -> Tensor:
        """The trunk's features from the map after stage 3: float [n,2048 width]."""
        for number in range(LAST_STAGE, sum(BLOCKS)):
            middle = self.block(number, middle)
        return middle.mean((2, 3))

    def head(self, features: Tensor) -> Tensor:
        """Embeddings from features."""
        return torch.flatten(self._unit("head", features[:, :, None, None]), 1)

    def forward(self, x: Tensor) -> Tensor:
        """Embeds a batch."""
        return self.head(self.features(self.frozen(x)))

    def replace_head(self, weight: Floats, bias: Floats) -> None:
        """Another head: `weight` [features, numbers], `bias` [numbers]."""
        kernel = weight[None, None].astype(np.float32)
        self.units["head"] = FoldedUnit(Convolution(kernel, bias.astype(np.float32), 1, False))

    def normalise(self) -> None:
        """Gives the layers of stage 4 batch normalisation again; `measure_statistics` or a checkpoint must follow.

        Without it their kernels are small and differ in size, and no learning rate suits all of them (see unfold.py).
        """
        for name in self._last_stage():
            self.units[name] = NormalisedUnit(self.units[name].folded())  # type: ignore[operator]

    def _last_stage(self) -> list[str]:
        prefixes = tuple(f"body_{number}_" for number in range(LAST_STAGE, sum(BLOCKS)))
        return [name for name in self.units if name.startswith(prefixes)]

    def trainable(self) -> list[nn.Parameter]:
        """The parameters of stage 4 and the head."""
        names = {*self._last_stage(), "head"}
        return [parameter for name, parameter in self.units.named_parameters() if name.split(".")[0] in names]

    def folded(self) -> Network:
        """The weights as a network."""
        order = {name.replace("_", "."): unit for name, unit in self.units.items()}
        return {name: unit.folded() for name, unit in order.items() if isinstance(unit, FoldedUnit | NormalisedUnit)}
