"""The student's weights without batch normalisation: plain convolutions with a bias, as the device runs them.

Invariant: folding changes no output by more than rounding. Kernels are [height, width, inputs, outputs] float32.

Weights file (npz): names of `student.py` (`stem.c.weight` [out, in, h, w], `stem.b.weight`, `.bias`, `.running_mean`,
`.running_var`, `body.N.{a,b,c,p}.*`, `head.weight`, `head.bias`); the width follows from the shapes. A folded file is
read back as well: `NAME.kernel` and `NAME.bias`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

BLOCKS = (3, 4, 6, 3)
FIRST_OF_STAGE = (0, 3, 7, 13)
BATCH_NORM_EPSILON = 1e-5  # PyTorch's default, which the student is trained with
NORMALISATION = ("weight", "bias", "running_mean", "running_var")
DIMENSION = 192


@dataclass(frozen=True)
class Convolution:
    """A "same" convolution: `kernel` [h, w, in, out], `bias` [out], `stride`, and whether a ReLU follows."""

    kernel: Floats
    bias: Floats
    stride: int
    relu: bool


Network = dict[str, Convolution]
Value = TypeVar("Value")


class Operations(Protocol[Value]):
    """What a walk through the network calls; tensors are named for what makes them."""

    def conv(self, name: str, layer: Convolution, x: Value) -> Value:
        """A convolution with its ReLU."""
        ...

    def pool(self, x: Value) -> Value:
        """3x3 maximum, stride 2, "same"."""
        ...

    def add(self, name: str, x: Value, y: Value) -> Value:
        """Sum with a ReLU."""
        ...

    def mean(self, name: str, x: Value) -> Value:
        """Mean over height and width, both kept as 1."""
        ...


def walk(network: Network, operations: Operations[Value], x: Value) -> Value:
    """Runs `operations` in the network's order; the only place that knows the topology."""

    def conv(name: str, value: Value) -> Value:
        return operations.conv(name, network[name], value)

    x = operations.pool(conv("stem", x))
    for number in range(sum(BLOCKS)):
        block = f"body.{number}"
        y = conv(f"{block}.c", conv(f"{block}.b", conv(f"{block}.a", x)))
        shortcut = conv(f"{block}.p", x) if f"{block}.p" in network else x
        x = operations.add(f"{block}.add", y, shortcut)
    return conv("head", operations.mean("mean", x))


def layer_names() -> list[str]:
    """Every convolution's name, in the order of the walk."""
    names = ["stem"]
    for number in range(sum(BLOCKS)):
        parts = "abcp" if number in FIRST_OF_STAGE else "abc"
        names += [f"body.{number}.{part}" for part in parts]
    return [*names, "head"]


def _float32(values: npt.NDArray[np.floating]) -> Floats:
    return values.astype(np.float32)


def _stride(name: str) -> int:
    strided = [f"body.{number}.{part}" for number in FIRST_OF_STAGE[1:] for part in "bp"]
    return 2 if name == "stem" or name in strided else 1


def _relu(name: str) -> bool:
    return name == "stem" or name.endswith((".a", ".b"))


def fold(weights: Mapping[str, npt.NDArray[np.floating]]) -> Network:
    """Convolution and batch normalisation into one. Raises KeyError when a name is missing."""
    network: Network = {}
    for name in layer_names():
        if f"{name}.kernel" in weights:
            kernel, bias = weights[f"{name}.kernel"], weights[f"{name}.bias"]
        elif name == "head":
            kernel, bias = weights["head.weight"].transpose(2, 3, 1, 0), weights["head.bias"]
        else:
            norm = [weights[f"{name}.b.{part}"] for part in NORMALISATION]
            kernel, bias = without_normalisation(weights[f"{name}.c.weight"], norm)
        network[name] = Convolution(kernel.astype(np.float32), bias.astype(np.float32), _stride(name), _relu(name))
    return network


def without_normalisation(
    weight: npt.NDArray[np.floating], norm: Sequence[npt.NDArray[np.floating]]
) -> tuple[Floats, Floats]:
    """Kernel [h,w,i,o] and bias [o] of a convolution [o,i,h,w] with the normalisation `norm` ([o] each).

    `norm` is in the order of `NORMALISATION`.
    """
    gamma, beta, mean, variance = (values.astype(np.float64) for values in norm)
    factor = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
    kernel = weight.astype(np.float64).transpose(2, 3, 1, 0) * factor
    return np.ascontiguousarray(_float32(kernel)), _float32(beta - mean * factor)


def read_weights(path: Path) -> Network:
    """The folded network of a weights file (training's state or a folded one)."""
    with np.load(path, allow_pickle=False) as file:
        return fold({name: file[name] for name in file.files if file[name].dtype.kind == "f"})


def write_folded(path: Path, network: Network) -> None:
    """Writes `NAME.kernel` and `NAME.bias` in float32."""
    arrays = {f"{name}.kernel": layer.kernel for name, layer in network.items()}
    arrays |= {f"{name}.bias": layer.bias for name, layer in network.items()}
    np.savez(path, **arrays)  # type: ignore[arg-type]


def random_network(width: float, seed: int = 0) -> Network:
    """He-initialised weights of the student's shape: for tests of speed and of the int8 path, not for faces."""
    rng = np.random.default_rng(seed)
    network: Network = {}

    def layer(name: str, side: int, inputs: int, outputs: int, gain: float = 2.0) -> None:
        spread = np.sqrt(gain / (side * side * inputs))
        kernel = rng.normal(0.0, spread, (side, side, inputs, outputs)).astype(np.float32)
        bias = rng.normal(0.0, 0.05, outputs).astype(np.float32)
        network[name] = Convolution(kernel, bias, _stride(name), _relu(name))

    channels = round(64 * width)
    layer("stem", 7, 3, channels)
    number = 0
    for stage, count in enumerate(BLOCKS):
        middle = round(64 * 2**stage * width)
        for _ in range(count):
            block = f"body.{number}"
            layer(f"{block}.a", 1, channels, middle)
            layer(f"{block}.b", 3, middle, middle)
            layer(f"{block}.c", 1, middle, 4 * middle, gain=0.25)  # keeps the sum's variance through 16 blocks
            if number in FIRST_OF_STAGE:
                layer(f"{block}.p", 1, channels, 4 * middle, gain=1.0)
            channels, number = 4 * middle, number + 1
    layer("head", 1, channels, DIMENSION, gain=1.0)
    return network


def width(network: Network) -> float:
    """The width multiplier, from the stem's channels."""
    return float(network["stem"].kernel.shape[3] / 64)


def equalised(network: Network) -> Network:
    """Cross-layer equalisation (Nagel et al. 2019, arXiv 1906.04721) inside each bottleneck: a to b and b to c.

    A channel's outgoing range and the range of the weights that read it become equal; as a ReLU lies between, outputs
    do not change.
    """
    result = dict(network)
    for number in range(sum(BLOCKS)):
        for first_part, second_part in ("ab", "bc"):
            first, second = (result[f"body.{number}.{part}"] for part in (first_part, second_part))
            out_range = np.abs(first.kernel).max(axis=(0, 1, 2))
            in_range = np.abs(second.kernel).max(axis=(0, 1, 3))
            usable = (out_range > 1e-8) & (in_range > 1e-8)
            scale = np.sqrt(np.where(usable, out_range, 1.0) / np.where(usable, in_range, 1.0))
            scale = np.clip(scale, 0.1, 10.0).astype(np.float32)
            weaker = replace(first, kernel=_float32(first.kernel / scale), bias=_float32(first.bias / scale))
            stronger = replace(second, kernel=_float32(second.kernel * scale[:, None]))
            result |= {f"body.{number}.{first_part}": weaker, f"body.{number}.{second_part}": stronger}
    return result
