"""Weights to TFLite: float, and full int8 (weights per channel, int8 in and out, nothing left in float).

Invariant: what is written has fixed shapes, no float tensor besides none, and only operations that TFLite 2.9 and its
XNNPACK delegate know; `inspect` refuses anything else.

    python -m roomkin_training.quantize --weights student.npz --pack DIR --out build/ [--ranges mse] [--equalise]
    python -m roomkin_training.quantize --random --width 0.25 --out DIR
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .data import read_pack
from .degrade import degrade
from .folding import Network, equalised, random_network, read_weights, width
from .ranges import RULES, choose

Bytes = npt.NDArray[np.uint8]
ALLOWED = {"CONV_2D", "ADD", "MAX_POOL_2D", "MEAN"}
# the input's 256 steps are the 256 grey levels: (pixel - 128) / 127.5
INPUT_RANGE = (-128 / 127.5, 127 / 127.5)


def representative(pack: Path, count: int, seed: int = 1) -> tuple[Bytes, str]:
    """Faces [count, 112, 112, 3], as many of every set, every second one degraded; and the pack's hash."""
    faces = read_pack(pack, limit=max(count * 4, 2000))
    rng = np.random.default_rng(seed)
    share = -(-count // len(faces.sources))
    rows = np.concatenate(
        [
            rng.choice(members, min(share, len(members)), replace=False)
            for members in (np.flatnonzero(faces.source == number) for number in range(len(faces.sources)))
        ]
    )[:count]
    chosen = [degrade(faces.images[row], seed, i) if i % 2 else faces.images[row] for i, row in enumerate(rows)]
    return np.stack(chosen), faces.hash


def for_integers(network: Network) -> Network:
    """The network for inputs `(pixel - 128) / 127.5`: the stem's bias takes up the missing half grey level."""
    stem = network["stem"]
    bias = stem.bias + stem.kernel.sum(axis=(0, 1, 2)) * np.float32(0.5 / 127.5)
    return {**network, "stem": replace(stem, bias=bias.astype(np.float32))}


def convert_float(network: Network) -> bytes:
    """A float TFLite file with the training's input, `pixel / 127.5 - 1`."""
    import tensorflow as tf

    from .keras_student import build

    content: bytes = tf.lite.TFLiteConverter.from_keras_model(build(network)).convert()
    return content


def convert_int8(network: Network, ranges: dict[str, tuple[float, float]]) -> bytes:
    """A full int8 TFLite file with exactly these ranges."""
    import tensorflow as tf

    from .keras_student import build

    converter = tf.lite.TFLiteConverter.from_keras_model(build(network, ranges))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    content: bytes = converter.convert()
    return content


def inspect(content: bytes) -> dict[str, Any]:
    """What the file holds. Raises ValueError for a float tensor, a dynamic shape or an operation not allowed."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter: Any = Interpreter(
        model_content=content, experimental_preserve_all_tensors=True, experimental_op_resolver_type=_reference()
    )
    operations = Counter(str(op["op_name"]) for op in interpreter._get_ops_details())
    operations.pop("DELEGATE", None)
    types: Counter[str] = Counter()
    for tensor in interpreter.get_tensor_details():
        types[np.dtype(tensor["dtype"]).name] += 1
        if any(side < 1 for side in tensor["shape_signature"]):
            raise ValueError(f"{tensor['name']} has a dynamic shape {tensor['shape_signature']}")
        # a channel without weights may have any scale, but XNNPACK needs one that is a normal number
        scales = tensor["quantization_parameters"]["scales"]
        if len(scales) and not np.all((scales > 1e-9) & np.isfinite(scales)):
            raise ValueError(f"{tensor['name']} has a scale of {scales.min()}")
    if set(operations) - ALLOWED:
        raise ValueError(f"operations {sorted(set(operations) - ALLOWED)} are not allowed")
    if types.get("float32"):
        raise ValueError(f"{types['float32']} tensors are float")
    return {"operations": dict(operations), "types": dict(types), "bytes": len(content)}


def _reference() -> Any:
    from ai_edge_litert.interpreter import OpResolverType

    return OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES


def quantized(network: Network, faces: Bytes, rule: str, equalise: bool, correct: int) -> tuple[bytes, dict[str, Any]]:
    """The int8 file and how it was made; `correct` faces are used for bias correction (0: none)."""
    from .simulate import bias_corrected, typical, watch

    prepared = for_integers(equalised(network) if equalise else network)
    given = len(faces)
    faces = faces[typical(prepared, faces)]
    seen = watch(prepared, faces)
    ranges = {name: choose(rule, h.low, h.high, h.counts) for name, h in seen.items()}
    ranges["input"] = INPUT_RANGE
    made: dict[str, Any] = {"ranges": rule, "equalised": equalise, "biasCorrected": correct, "faces": len(faces)}
    made["atypicalFacesLeftOut"] = given - len(faces)
    if correct:
        picked = np.random.default_rng(2).permutation(len(faces))[:correct]
        prepared, made["simulatedCosine"] = bias_corrected(prepared, ranges, faces[picked])
    content = convert_int8(prepared, ranges)
    return content, {**made, **inspect(content)}


def write(path: Path, content: bytes, made: dict[str, Any]) -> None:
    """The model and, beside it, a JSON file that says how it was made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    stamp = {**made, "sha256": hashlib.sha256(content).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(stamp, indent=2) + "\n", "utf-8")
    print(f"{path} {len(content)} bytes {json.dumps(stamp)}", flush=True)


def noise_faces(count: int, seed: int = 0) -> Bytes:
    """Noise in place of faces, for networks with random weights."""
    return np.random.default_rng(seed).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes `NAME-float.tflite` and `NAME-int8.tflite`."""
    parser = argparse.ArgumentParser(description="Convert the student's weights to TFLite, float and full int8.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--weights", type=Path)
    source.add_argument("--random", action="store_true", help="random weights, for speed and the int8 path")
    parser.add_argument("--width", type=float, default=0.5, help="with --random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pack", type=Path, help="training pack for the representative faces")
    parser.add_argument("--faces", type=int, default=600)
    parser.add_argument("--ranges", choices=RULES, default="mse")
    parser.add_argument("--equalise", action="store_true")
    parser.add_argument("--correct", type=int, default=256, help="faces for bias correction, 0 for none")
    parser.add_argument("--name", default="")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    if options.random:
        network, faces, data = random_network(options.width, options.seed), noise_faces(32), "noise"
    else:
        if options.pack is None:
            parser.error("--weights needs --pack")
        network = read_weights(options.weights)
        faces, data = representative(options.pack, options.faces, options.seed + 1)
    name = options.name or f"resnet50-w{round(width(network) * 100):03d}{'-random' if options.random else ''}"
    if not options.random:
        write(options.out / f"{name}-float.tflite", convert_float(network), {"data": data})
    content, made = quantized(network, faces, options.ranges, options.equalise, min(options.correct, len(faces)))
    write(options.out / f"{name}-int8.tflite", content, {**made, "data": data})


if __name__ == "__main__":
    main()
