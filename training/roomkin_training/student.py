"""The student: a 50-layer bottleneck ResNet for 112x112 faces, a width multiplier, 192 numbers out.

Invariant: every convolution pads as TensorFlow's "same" does (with stride 2 the odd pixel goes to the bottom and the
right), so that the Keras twin with the same weights computes the same numbers. No normalisation inside the graph: the
cosine is taken outside. Layers: He et al. 2015 (arXiv 1512.03385), bottlenecks 3-4-6-3, stride in the 3x3.

State names: `stem.c` convolution, `stem.b` batch normalisation, `body.0` to `body.15` with `a` 1x1, `b` 3x3, `c` 1x1
and `p` projection (each `.c.weight` and `.b.*`), `head` 1x1 convolution with bias.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .data import DIMENSION

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
EXPANSION = 4


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Pixels to add before and after, as TensorFlow's "same" (tf.nn.convolution's documentation)."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _pad(x: Tensor, kernel: int, stride: int) -> tuple[Tensor, int]:
    """Pads only where the two sides differ; else leaves it to the convolution, which costs no copy."""
    top, bottom = same_padding(x.shape[2], kernel, stride)
    left, right = same_padding(x.shape[3], kernel, stride)
    if top == bottom == left == right:
        return x, top
    return F.pad(x, (left, right, top, bottom)), 0


class Unit(nn.Module):
    """Convolution `c` and batch normalisation `b`. [n,i,h,w] to [n,o,h/stride,w/stride]."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.c = nn.Conv2d(inputs, outputs, kernel, stride, bias=False)
        self.b = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Convolves with "same" padding and normalises."""
        x, padding = _pad(x, self.c.kernel_size[0], self.c.stride[0])
        y: Tensor = self.b(F.conv2d(x, self.c.weight, None, self.c.stride, padding))
        return y


class Block(nn.Module):
    """Bottleneck: 1x1 `a`, 3x3 `b` with the stride, 1x1 `c`, and a projection `p` where the shape changes."""

    def __init__(self, inputs: int, middle: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.a = Unit(inputs, middle, 1)
        self.b = Unit(middle, middle, 3, stride)
        self.c = Unit(middle, outputs, 1)
        self.p = Unit(inputs, outputs, 1, stride) if stride > 1 or inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """[n,i,h,w] to [n,o,h/stride,w/stride]."""
        y = F.relu(self.a(x))
        y = F.relu(self.b(y))
        return F.relu(self.c(y) + (x if self.p is None else self.p(x)))


class Student(nn.Module):
    """RGB `pixel / 127.5 - 1` float [n,3,s,s] to embeddings float [n,numbers] in the teacher's space, of any length.

    `width` 1.0 has 23.9 M weights, 0.5 has 6.1 M. Any side of at least 32 px works; it is used at 112.
    """

    def __init__(self, width: float = 1.0, numbers: int = DIMENSION) -> None:
        super().__init__()
        self.width, self.numbers = width, numbers
        channels = round(64 * width)
        self.stem = Unit(3, channels, 7, 2)
        blocks: list[Block] = []
        for base, count, stride in STAGES:
            middle = round(base * width)
            for number in range(count):
                blocks.append(Block(channels, middle, middle * EXPANSION, stride if number == 0 else 1))
                channels = middle * EXPANSION
        self.body = nn.Sequential(*blocks)
        self.head = nn.Conv2d(channels, numbers, 1)
        self._start()

    def _start(self) -> None:
        """He initialisation; every residual branch starts at zero (Goyal et al. 2017, arXiv 1706.02677)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(module, Block):
                nn.init.zeros_(module.c.b.weight)
        nn.init.normal_(self.head.weight, std=self.head.in_channels**-0.5)
        if self.head.bias is not None:
            nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Embeds a batch: float [n,3,s,s] to float [n,numbers]."""
        return self._finish(self.body(self._begin(x)))

    def features(self, x: Tensor) -> Tensor:
        """What the head reads: float [n,2048 width]."""
        features: Tensor = self.body(self._begin(x)).mean((2, 3))
        return features

    def with_maps(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What `forward` gives, and the last map of each stage: at 112 px of 28, 14, 7 and 4 px."""
        x, blocks, maps = self._begin(x), iter(self.body), []
        for _, count, _ in STAGES:
            for _ in range(count):
                x = next(blocks)(x)
            maps.append(x)
        return self._finish(x), maps

    def _begin(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        x, padding = _pad(x, 3, 2)  # zeros are as good as minus infinity: nothing is below zero here
        return F.max_pool2d(x, 3, 2, padding)

    def _finish(self, x: Tensor) -> Tensor:
        return torch.flatten(self.head(x.mean((2, 3), keepdim=True)), 1)


def stage_channels(width: float) -> list[int]:
    """Channels of each map of `Student.with_maps`."""
    return [round(base * width) * EXPANSION for base, _, _ in STAGES]


def normalised_input(images: Tensor) -> Tensor:
    """Pixels in 0 to 255 (any type) to the student's input range: float, `pixel / 127.5 - 1`."""
    return images.float() / 127.5 - 1.0


def parameters_count(student: Student) -> int:
    """Trainable numbers."""
    return sum(parameter.numel() for parameter in student.parameters())
