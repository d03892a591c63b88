"""BlazeFace full range through LiteRT: pictures in, faces with landmarks out.

Invariant: this mirrors the detector that the daemon runs (same model file, same decoding), so crops made here and
crops made by the daemon differ only by the resampling of the picture. Coordinates are pixels of the picture given,
x to the right, y down, the value of a pixel lying at its integer coordinate.

Source: the npm package `@mediapipe/face_detection` (Apache-2.0), `face_detection_full_range.tflite`; the decoding
follows MediaPipe's `face_detection_full_range.pbtxt`: 192x192 input in [-1, 1], one anchor at the centre of each
cell of a 48x48 grid, offsets in input pixels, sigmoid scores, weighted non-maximum suppression at an overlap of 0.3.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from .lite import LiteModel

Floats = npt.NDArray[np.float32]

INPUT_PX = 192
GRID_CELLS = 48
KEYPOINTS = 6  # right eye (left in the picture), left eye, nose tip, mouth centre, right tragion, left tragion
OVERLAP_LIMIT = 0.3
MODEL_FILE = "face_detection_full_range.tflite"


@dataclass(frozen=True)
class Face:
    """One face: `box` [x, y, width, height] px, `landmarks` [6, 2] px, `score` 0 to 1."""

    box: Floats
    landmarks: Floats
    score: float

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return float(self.box[2] * self.box[3])

    @property
    def eye_distance_px(self) -> float:
        """Distance between the eyes in pixels."""
        return float(np.hypot(*(self.landmarks[0] - self.landmarks[1])))


def default_model_path() -> Path:
    """The detector's file: `$ROOMKIN_DETECTOR`, else the checkout's node_modules.

    Raises FileNotFoundError when neither holds it.
    """
    named = os.environ.get("ROOMKIN_DETECTOR")
    if named:
        return Path(named)
    root = Path(__file__).resolve().parents[2]
    path = root / "node_modules" / "@mediapipe" / "face_detection" / MODEL_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path}: run `npm ci`, or name the file in ROOMKIN_DETECTOR")
    return path


def anchors() -> Floats:
    """The anchors' centres, [2304, 2], as fractions of the input (x, y), row by row."""
    cells = (np.arange(GRID_CELLS, dtype=np.float32) + 0.5) / GRID_CELLS
    x, y = np.meshgrid(cells, cells)
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def decode(regressors: Floats, logits: Floats, least_score: float) -> list[Face]:
    """Raw outputs ([2304, 16] and [2304]) to faces in input pixels (0 to 192), before suppression."""
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits.reshape(-1), -80.0, 80.0)))
    kept = np.flatnonzero(scores >= least_score)
    centres = anchors()[kept] * INPUT_PX
    raw = regressors.reshape(-1, 16)[kept]
    middle = raw[:, 0:2] + centres
    size = raw[:, 2:4]
    landmarks = raw[:, 4:].reshape(-1, KEYPOINTS, 2) + centres[:, None, :]
    boxes = np.concatenate([middle - size / 2, size], axis=1)
    return [
        Face(boxes[k].astype(np.float32), landmarks[k].astype(np.float32), float(scores[i])) for k, i in enumerate(kept)
    ]


def overlap(a: Floats, b: Floats) -> float:
    """Intersection over union of two boxes [x, y, width, height]."""
    low = np.maximum(a[:2], b[:2])
    high = np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    common = float(np.prod(np.maximum(high - low, 0.0)))
    union = float(a[2] * a[3] + b[2] * b[3]) - common
    return common / union if union > 0 else 0.0


def suppress(faces: Sequence[Face]) -> list[Face]:
    """Weighted non-maximum suppression: overlapping faces become one, averaged by score; the best score stays."""
    left = sorted(faces, key=lambda face: -face.score)
    merged: list[Face] = []
    while left:
        best = left[0]
        group = [face for face in left if overlap(best.box, face.box) > OVERLAP_LIMIT] or [best]
        weights = np.array([face.score for face in group], dtype=np.float32)
        weights /= weights.sum()
        box = np.tensordot(weights, np.stack([face.box for face in group]), axes=1)
        landmarks = np.tensordot(weights, np.stack([face.landmarks for face in group]), axes=1)
        merged.append(Face(box.astype(np.float32), landmarks.astype(np.float32), best.score))
        taken = {id(face) for face in group}
        left = [face for face in left if id(face) not in taken]
    return merged


class BlazeFace:
    """The detector: `detect` looks once at a whole picture, `search` looks again closer where it found nothing."""

    def __init__(self, model: Path | None = None, threads: int = 1) -> None:
        self._model = LiteModel(model or default_model_path(), threads)

    def raw(self, letterboxed: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Raw outputs ([2304, 16], [2304]) for a uint8 picture [192, 192, 3], RGB."""
        outputs = self._model.run(letterboxed[None].astype(np.float32) / np.float32(127.5) - np.float32(1.0))
        regressors = next(o for o in outputs if o.shape[-1] == 16)
        logits = next(o for o in outputs if o.shape[-1] == 1)
        return regressors[0], logits[0, :, 0]

    def detect(self, picture: Image.Image, least_score: float = 0.5) -> list[Face]:
        """All faces of an RGB picture, letterboxed into the input; best score first."""
        scale = INPUT_PX / max(picture.size)
        width, height = (max(1, round(side * scale)) for side in picture.size)
        left, top = (INPUT_PX - width) // 2, (INPUT_PX - height) // 2
        canvas = Image.new("RGB", (INPUT_PX, INPUT_PX))
        canvas.paste(picture.resize((width, height), Image.Resampling.BILINEAR), (left, top))
        regressors, logits = self.raw(np.asarray(canvas))
        per_px = np.array([picture.width / width, picture.height / height], dtype=np.float32)
        origin = np.array([left, top], dtype=np.float32)
        return [
            Face(
                np.concatenate([(face.box[:2] - origin) * per_px, face.box[2:] * per_px]),
                # the input's continuous coordinates start at a pixel's edge; ours lie on its centre
                (face.landmarks - origin) * per_px - np.float32(0.5),
                face.score,
            )
            for face in suppress(decode(regressors, logits, least_score))
        ]

    def search(self, picture: Image.Image) -> list[Face]:
        """As `detect`; where nothing is found: closer crops, a wider border, then a lower score."""
        wide, high = picture.size
        for least_score in (0.5, 0.25):
            for part in (1.0, 0.7, 1.5, 0.5):
                w, h = wide * part, high * part
                x, y = round((wide - w) / 2), round((high - h) / 2)
                view = picture.crop((x, y, x + round(w), y + round(h)))
                found = self.detect(view, least_score)
                if found:
                    shift = np.array([x, y], dtype=np.float32)
                    return [
                        Face(np.concatenate([f.box[:2] + shift, f.box[2:]]), f.landmarks + shift, f.score)
                        for f in found
                    ]
        return []


def central(faces: Sequence[Face], width: int, height: int) -> Face | None:
    """The face a portrait is about: among faces at least a third as large as the largest, the nearest to the centre."""
    if not faces:
        return None
    largest = max(face.area for face in faces)
    middle = np.array([width / 2, height / 2])
    candidates = [face for face in faces if face.area * 3 >= largest]
    return min(candidates, key=lambda face: float(np.hypot(*(face.box[:2] + face.box[2:] / 2 - middle))))
