"""Looks inside the network while it runs on faces: ranges of its tensors, and the mean error that int8 makes.

Invariant: the same rounding as TFLite's int8 specification: weights symmetric per output channel (-127 to 127),
activations asymmetric per tensor (256 steps, zero exactly representable).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from .folding import Convolution, Network, walk

Floats = npt.NDArray[np.float32]
Ranges = Mapping[str, tuple[float, float]]

INPUT = "input"
BINS = 2048
PEAK_LIMIT = 4.0


def input_of(faces: npt.NDArray[np.uint8]) -> Floats:
    """Pixels to the quantized model's input: `(pixel - 128) / 127.5`, so that every int8 step is one grey level."""
    values: Floats = (faces.astype(np.float32) - np.float32(128)) / np.float32(127.5)
    return values


def convolve(layer: Convolution, kernel: Any, x: Any) -> Any:
    """The convolution without its ReLU."""
    return tf.nn.conv2d(x, kernel, strides=layer.stride, padding="SAME") + layer.bias


def rounded_kernel(kernel: Floats) -> Floats:
    """The kernel as int8 per output channel holds it."""
    scale = np.maximum(np.abs(kernel).max(axis=(0, 1, 2)), 1e-12) / 127
    values: Floats = (np.rint(kernel / scale) * scale).astype(np.float32)
    return values


@dataclass
class Histogram:
    """What was seen of a tensor: its ends, then counts of `BINS` equal bins between them."""

    low: float = 0.0
    high: float = 0.0
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, dtype=np.int64))


class Watch:
    """Float run that feeds histograms: the first round finds the ends, the second counts."""

    def __init__(self) -> None:
        self.seen: dict[str, Histogram] = {}
        self.counting = False

    def look(self, name: str, x: Any) -> Any:
        """Notes a tensor and hands it on."""
        entry = self.seen.setdefault(name, Histogram())
        values = x.numpy() if hasattr(x, "numpy") else np.asarray(x)
        if self.counting:
            entry.counts += np.histogram(values, BINS, (entry.low, max(entry.high, entry.low + 1e-6)))[0]
        else:
            entry.low = min(entry.low, float(values.min()))
            entry.high = max(entry.high, float(values.max()))
        return x

    def conv(self, name: str, layer: Convolution, x: Any) -> Any:
        """A convolution, watched after its ReLU."""
        y = convolve(layer, layer.kernel, x)
        return self.look(name, tf.nn.relu(y) if layer.relu else y)

    def pool(self, x: Any) -> Any:
        """Maximum pool: its range is its input's."""
        return tf.nn.max_pool2d(x, 3, 2, "SAME")

    def add(self, name: str, x: Any, y: Any) -> Any:
        """Sum, watched after its ReLU."""
        return self.look(name, tf.nn.relu(x + y))

    def mean(self, name: str, x: Any) -> Any:
        """Global average."""
        return self.look(name, tf.reduce_mean(x, axis=(1, 2), keepdims=True))


def watch(network: Network, faces: npt.NDArray[np.uint8], batch: int = 32) -> dict[str, Histogram]:
    """Histograms of every tensor over `faces` uint8 [n, 112, 112, 3]."""
    watcher = Watch()
    for counting in (False, True):
        watcher.counting = counting
        for start in range(0, len(faces), batch):
            walk(network, watcher, tf.constant(input_of(faces[start : start + batch])))
    return watcher.seen


class Peaks(Watch):
    """Float run that notes the largest magnitude of every tensor in every picture."""

    def __init__(self) -> None:
        super().__init__()
        self.peaks: dict[str, list[Floats]] = {}

    def look(self, name: str, x: Any) -> Any:
        """Notes [n] magnitudes and hands the tensor on."""
        self.peaks.setdefault(name, []).append(np.abs(np.asarray(x)).max(axis=(1, 2, 3)))
        return x


def typical(network: Network, faces: npt.NDArray[np.uint8], batch: int = 32) -> npt.NDArray[np.bool_]:
    """Which of `faces` excite no tensor more than `PEAK_LIMIT` times as strongly as faces do by the median.

    In the trained student one picture in twelve has a corner that drives a few channels to 50 times their usual height.
    The embedding barely depends on it, but ranges wide enough for it cost every other picture its precision: mean
    cosine to float 0.967 with those pictures among the representative ones, 0.999 without, they themselves included.
    """
    watcher = Peaks()
    for start in range(0, len(faces), batch):
        walk(network, watcher, tf.constant(input_of(faces[start : start + batch])))
    peaks = np.stack([np.concatenate(parts) for parts in watcher.peaks.values()])
    usual = np.maximum(np.median(peaks, axis=1, keepdims=True), 1e-6)
    mask: npt.NDArray[np.bool_] = np.all(peaks <= PEAK_LIMIT * usual, axis=0)
    return mask


class Corrector:
    """Runs float and rounded side by side, and moves each bias by the mean difference (Nagel et al. 2019, 4.2)."""

    def __init__(self, ranges: Ranges) -> None:
        self.ranges = ranges
        self.corrected: Network = {}
        self.moved: dict[str, float] = {}

    def rounded(self, name: str, x: Any) -> Any:
        """`x` in the 256 steps of the tensor's range."""
        low, high = self.ranges[name]
        return tf.quantization.fake_quant_with_min_max_args(x, low, high, num_bits=8)

    def conv(self, name: str, layer: Convolution, x: tuple[Any, Any]) -> tuple[Any, Any]:
        """Both convolutions; the rounded one with the corrected bias."""
        exact, rough = convolve(layer, layer.kernel, x[0]), convolve(layer, rounded_kernel(layer.kernel), x[1])
        shift = tf.reduce_mean(exact - rough, axis=(0, 1, 2)).numpy()
        self.corrected[name] = replace(layer, bias=(layer.bias + shift).astype(np.float32))
        self.moved[name] = float(np.abs(shift).mean() / (np.std(exact.numpy()) + 1e-12))
        rough += shift
        if layer.relu:
            exact, rough = tf.nn.relu(exact), tf.nn.relu(rough)
        return exact, self.rounded(name, rough)

    def pool(self, x: tuple[Any, Any]) -> tuple[Any, Any]:
        """Maximum pool of both."""
        return tf.nn.max_pool2d(x[0], 3, 2, "SAME"), tf.nn.max_pool2d(x[1], 3, 2, "SAME")

    def add(self, name: str, x: tuple[Any, Any], y: tuple[Any, Any]) -> tuple[Any, Any]:
        """Sum and ReLU of both."""
        return tf.nn.relu(x[0] + y[0]), self.rounded(name, tf.nn.relu(x[1] + y[1]))

    def mean(self, name: str, x: tuple[Any, Any]) -> tuple[Any, Any]:
        """Global average of both."""
        exact, rough = (tf.reduce_mean(value, axis=(1, 2), keepdims=True) for value in x)
        return exact, self.rounded(name, rough)


def bias_corrected(network: Network, ranges: Ranges, faces: npt.NDArray[np.uint8]) -> tuple[Network, float]:
    """The network with biases that undo int8's mean error, layer by layer; and the cosine that simulation promises."""
    corrector = Corrector(ranges)
    x = tf.constant(input_of(faces))
    exact, rough = walk(network, corrector, (x, corrector.rounded(INPUT, x)))
    a, b = exact.numpy().reshape(len(faces), -1), rough.numpy().reshape(len(faces), -1)
    cosine = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return corrector.corrected, float(cosine.mean())
