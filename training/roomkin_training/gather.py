"""Gathers all that a training on another machine needs into one tar file: data, teachers, start and protocol.

Invariant: the machine that trains needs PyTorch, NumPy and Pillow only. Both teachers go as programs (float16, as a GPU
runs them), the start as folded weights, the pictures of the pairs as lossless WebP.

    python -m roomkin_training.gather --pack DIR --sface SFACE.onnx --teacher MobileFaceNet.tflite \
        --start start.npz --pairs lfw-dev.npz --out inputs.tar
"""

from __future__ import annotations

import argparse
import io
import os
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .curve import read_pairs
from .data import AlignedPairs, shards
from .folding import read_weights
from .teacher import load_program, save_program


def write_pairs(path: Path, pairs: AlignedPairs) -> None:
    """The pairs with their pictures as lossless files end to end, as `curve.read_pairs` reads them."""
    files = []
    for image in pairs.images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "WEBP", lossless=True)
        files.append(file.getvalue())
    np.savez(
        path, data=np.frombuffer(b"".join(files), np.uint8), offset=np.cumsum([0, *map(len, files)]).astype(np.int64),
        left=pairs.left, right=pairs.right, label=pairs.same, fold=pairs.fold,
    )  # fmt: skip


def gather(pack: Path, sface: Path, teacher: Path, start: Path, pairs: Path | None, out: Path) -> None:
    """Writes the tar file, whole or not at all.

    It holds `faces/`, `sface.npz`, `mobilefacenet.npz`, `start.npz` and, where `pairs` is given, `pairs.npz`.
    """
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        folder = Path(name)
        for source, target in ((sface, "sface.npz"), (teacher, "mobilefacenet.npz")):
            steps, weights = load_program(source)
            save_program(folder / target, steps, {key: value.astype(np.float16) for key, value in weights.items()})
        network = read_weights(start)
        arrays = {f"{key}.kernel": layer.kernel for key, layer in network.items()}
        arrays |= {f"{key}.bias": layer.bias for key, layer in network.items()}
        # Recovered weights have 255 values a channel, so they shrink a lot.
        np.savez_compressed(folder / "start.npz", **arrays)  # type: ignore[arg-type]
        if pairs is not None:
            write_pairs(folder / "pairs.npz", read_pairs(pairs))
        with tarfile.open(folder / "inputs.tar", "w") as tar:
            for shard in shards(pack):
                tar.add(shard.resolve(), f"faces/{shard.name}")
            for file in sorted(folder.glob("*.npz")):
                tar.add(file, file.name)
        os.replace(folder / "inputs.tar", out)


def main(words: Sequence[str] | None = None) -> None:
    """Gathers."""
    parser = argparse.ArgumentParser(description="Gather what a training on another machine needs.")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--sface", type=Path, required=True, help=".onnx or .npz of the second teacher")
    parser.add_argument("--teacher", type=Path, required=True, help=".tflite or .npz of the first teacher")
    parser.add_argument("--start", type=Path, required=True, help="folded weights (recover) or training weights, .npz")
    parser.add_argument("--pairs", type=Path, help="aligned pairs (roomkin_training.alignment)")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(words)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    gather(options.pack, options.sface, options.teacher, options.start, options.pairs, options.out)
    print(f"{options.out.stat().st_size / 2**20:.0f} MiB: {options.out}")


if __name__ == "__main__":
    main()
