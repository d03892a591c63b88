"""Aligned faces: a similarity transform of four landmarks onto the ArcFace template, 112x112.

Invariant: the same landmarks and the same picture give the same crop here and in the daemon (`src/vision`), to within
one grey level; `test/golden` holds the proof.

The transform is Umeyama's least-squares similarity (IEEE PAMI 13:4, 1991) of the eyes, the nose tip and the mouth
centre; the template is InsightFace's, with the mean of its mouth corners. Sampling is bilinear with replicated edges.

    python -m roomkin_training.alignment --images DIR --pairs FILE --out crops.npz
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from .blazeface import BlazeFace, central
from .pairs import read_pairs
from .progress import progress

Bytes = npt.NDArray[np.uint8]
Doubles = npt.NDArray[np.float64]

SIDE_PX = 112
_MOUTH = np.mean([[41.55, 92.37], [70.73, 92.20]], axis=0)
TEMPLATE: Doubles = np.array([[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], _MOUTH], dtype=np.float64)


def similarity_transform(source: npt.ArrayLike, target: npt.ArrayLike = TEMPLATE) -> Doubles:
    """The [2, 3] matrix that takes `source` points [n, 2] nearest to `target` by rotation, scale and shift.

    In the plane Umeyama's solution without reflection has a closed form, used here. Raises ValueError when all source
    points coincide.
    """
    src, dst = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    src_mean, dst_mean = src.mean(axis=0), dst.mean(axis=0)
    p, q = src - src_mean, dst - dst_mean
    spread = float((p * p).sum())
    if spread <= 0:
        raise ValueError("the landmarks coincide")
    a = float((p * q).sum()) / spread
    b = float((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum()) / spread
    linear = np.array([[a, -b], [b, a]])
    shift = dst_mean - linear @ src_mean
    return np.concatenate([linear, shift[:, None]], axis=1)


def warp(picture: Bytes, matrix: Doubles, side_px: int = SIDE_PX) -> Bytes:
    """`picture` [h, w, 3] seen through `matrix` (picture to crop) as [side, side, 3]; bilinear, edges replicated."""
    height, width = picture.shape[:2]
    inverse = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))[:2]
    y, x = np.mgrid[0:side_px, 0:side_px].astype(np.float64)
    sx = np.clip(inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2], 0, width - 1)
    sy = np.clip(inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2], 0, height - 1)
    x0, y0 = np.floor(sx).astype(np.intp), np.floor(sy).astype(np.intp)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    fx, fy = (sx - x0)[..., None], (sy - y0)[..., None]
    top = picture[y0, x0] * (1 - fx) + picture[y0, x1] * fx
    bottom = picture[y1, x0] * (1 - fx) + picture[y1, x1] * fx
    crop: Bytes = np.floor(top * (1 - fy) + bottom * fy + 0.5).astype(np.uint8)
    return crop


def align(picture: Bytes, landmarks: npt.ArrayLike) -> Bytes:
    """The aligned face [112, 112, 3] for a detector's landmarks (the first four are used)."""
    return warp(picture, similarity_transform(np.asarray(landmarks)[:4]))


def align_file(detector: BlazeFace, path: Path) -> Bytes | None:
    """The aligned face of the person a portrait is about; None when no face is found."""
    with Image.open(path) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    face = central(detector.search(picture), *picture.size)
    return None if face is None else align(np.asarray(picture), face.landmarks)


def align_files(root: Path, names: Sequence[str], model: Path | None = None) -> tuple[Bytes, npt.NDArray[np.bool_]]:
    """Crops [n, 112, 112, 3] of `names` under `root` and which of them were found (the others are black)."""
    detector = BlazeFace(model)
    crops = np.zeros((len(names), SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    found = np.zeros(len(names), dtype=np.bool_)
    for i, name in enumerate(progress(names, "align")):
        crop = align_file(detector, root / name)
        if crop is not None:
            crops[i], found[i] = crop, True
    return crops, found


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes `faces` uint8 [n,112,112,3], `found`, `names`, the pairs (`left`, `right`, `label`, `fold`) and a hash."""
    parser = argparse.ArgumentParser(description="Align the pictures of a pairs file.")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--detector", type=Path, help="default: the checkout's node_modules or $ROOMKIN_DETECTOR")
    options = parser.parse_args(arguments)
    pairs = read_pairs(options.pairs)
    crops, found = align_files(options.images, pairs.names, options.detector)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(crops.tobytes()).hexdigest()
    np.savez(
        options.out,
        faces=crops,
        found=found,
        names=np.array(pairs.names),
        left=pairs.left,
        right=pairs.right,
        label=pairs.label,
        fold=pairs.fold,
        sha256=np.array(digest),
    )
    print(f"{len(crops)} pictures, {int((~found).sum())} without a face, sha256 {digest[:12]}, {options.out}")


if __name__ == "__main__":
    main()
