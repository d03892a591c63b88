"""The folded student as a Keras model: fixed batch of 1, "same" padding, no reshape, ends in [1, 1, 1, 192].

Invariant: the graph holds convolutions, one maximum pool, additions, one mean, and nothing else, so that TFLite 2.9
hands the whole of it to XNNPACK. With `ranges` every tensor is followed by a fake quantization of that range, which the
converter turns into the tensor's scale and zero point; without, the graph is float.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from .folding import Convolution, Network, walk

SIDE_PX = 112
INPUT = "input"

Ranges = Mapping[str, tuple[float, float]]


class FakeQuantize(keras.layers.Layer):  # type: ignore[misc]
    """Rounds a tensor to the 256 steps between `low` and `high`; `low` <= 0 <= `high`."""

    def __init__(self, low: float, high: float, **options: Any) -> None:
        super().__init__(**options)
        self.low, self.high = low, high

    def call(self, x: Any) -> Any:
        """Same shape, rounded."""
        return tf.quantization.fake_quant_with_min_max_args(x, self.low, self.high, num_bits=8, narrow_range=False)


class KerasOperations:
    """Builds layers; remembers each convolution's layer to fill it later."""

    def __init__(self, ranges: Ranges | None) -> None:
        self.ranges = ranges
        self.layers: dict[str, Any] = {}

    def quantized(self, name: str, x: Any) -> Any:
        """`x`, followed by its fake quantization where ranges are given."""
        if self.ranges is None:
            return x
        low, high = self.ranges[name]
        return FakeQuantize(low, high, name=f"{name}.range".replace(".", "_"))(x)

    def conv(self, name: str, layer: Convolution, x: Any) -> Any:
        """Convolution with bias and its ReLU."""
        height, width, _, outputs = layer.kernel.shape
        built = keras.layers.Conv2D(
            outputs,
            (height, width),
            strides=layer.stride,
            padding="same",
            activation="relu" if layer.relu else None,
            name=name.replace(".", "_"),
        )
        self.layers[name] = built
        return self.quantized(name, built(x))

    def pool(self, x: Any) -> Any:
        """Maximum pool; its output shares its input's range."""
        return keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)

    def add(self, name: str, x: Any, y: Any) -> Any:
        """Sum and ReLU."""
        return self.quantized(name, keras.layers.ReLU()(keras.layers.Add()([x, y])))

    def mean(self, name: str, x: Any) -> Any:
        """Global average, sides kept."""
        return self.quantized(name, keras.layers.GlobalAveragePooling2D(keepdims=True)(x))


def build(network: Network, ranges: Ranges | None = None) -> Any:
    """A Keras model [1, 112, 112, 3] to [1, 1, 1, 192] with the network's weights."""
    keras.backend.clear_session()
    operations = KerasOperations(ranges)
    picture = keras.Input((SIDE_PX, SIDE_PX, 3), batch_size=1, name="face")
    embedding = walk(network, operations, operations.quantized(INPUT, picture))
    model = keras.Model(picture, embedding)
    for name, layer in operations.layers.items():
        layer.set_weights([network[name].kernel, network[name].bias])
    return model
