"""A landmark network: five points of a face from a crop of 96 px, and what they gain over the detector's four.

The five points are those that the detector has: eyes, nose tip, mouth centre, and the middle between the ears (it has
no mouth corners). Its own points on a close-up are noisy, so the targets are their mean over jittered close-ups of a
good picture. The network sees those faces misplaced and degraded, and learns with the wing loss (Feng et al. 2018,
arXiv 1711.06753), which weighs small errors more than a squared error does.

Measured: LFW pictures are degraded before detection; both ways start from the same detection, the network refines it;
the shipped student embeds. The network ships only if it gains.

    python -m roomkin_training.methods.landmarks
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from ..alignment import align, similarity_transform, warp
from ..blazeface import BlazeFace, Face, central
from ..degrade import KINDS, RECIPES, degrade
from ..embedders import embed_single
from ..lite import LiteModel
from ..metrics import tar_at_far
from ..pairs import read_pairs
from ..schedule import learning_rate
from .material import Bytes, Floats, Subset, open_table, read_subset
from .running import Options, Trained, arguments, descend, fit, numpy_chance, set_rate

NAME = "landmarks"
POINTS = 5
CROP_PX = 96
FULL_PX = 112
# The crop shows 128 px of the aligned face's scale, so that a misplaced face stays inside.
CROP_SCALE = CROP_PX / 128
RATE = 2e-3
CLOSE_UPS = 5
FACES = 1200
PICTURES = 400
MEASURED_SEED = 20261129

Doubles = npt.NDArray[np.float64]


def five(face: Face) -> Doubles:
    """Five points float64 [5,2] of a detected face."""
    points = face.landmarks.astype(np.float64)
    return np.concatenate([points[:4], points[4:6].mean(axis=0, keepdims=True)])


def jitter_matrix(rng: np.random.Generator, strength: float = 1.0) -> Doubles:
    """A random similarity [2,3] about the middle of the aligned face: turn, scale and shift in pixels."""
    turn, scale = rng.normal() * math.radians(6) * strength, math.exp(rng.normal() * 0.07 * strength)
    shift = rng.normal(size=2) * 4 * strength
    linear = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    middle = np.full(2, FULL_PX / 2)
    return np.concatenate([linear, (middle + shift - linear @ middle)[:, None]], axis=1)


def moved(points: Doubles, matrix: Doubles) -> Doubles:
    """Points [k,2] through a matrix [2,3]."""
    result: Doubles = points @ matrix[:, :2].T + matrix[:, 2]
    return result


def inverse(matrix: Doubles) -> Doubles:
    """The inverse of a similarity [2,3]."""
    result: Doubles = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))[:2]
    return result


def to_crop(matrix: Doubles) -> Doubles:
    """The matrix [2,3] into the crop of the network, from one into the aligned face."""
    result: Doubles = CROP_SCALE * matrix
    result[:, 2] += CROP_PX / 2 - CROP_SCALE * FULL_PX / 2
    return result


def target(face: Bytes, detector: BlazeFace, rng: np.random.Generator) -> Doubles | None:
    """Five points float64 [5,2] of an aligned face: their mean over close-ups; None if most close-ups show no face."""
    found = []
    margin = np.array([[1.0, 0.0, FULL_PX / 2], [0.0, 1.0, FULL_PX / 2]])
    for _ in range(CLOSE_UPS):
        matrix = jitter_matrix(rng)
        close_up = matrix + margin * [[0, 0, 1], [0, 0, 1]]
        picture = Image.fromarray(warp(face, close_up, 2 * FULL_PX))
        best = central(detector.detect(picture), *picture.size)
        if best is not None:
            found.append(moved(five(best), inverse(close_up)))
    return np.mean(found, axis=0) if len(found) > CLOSE_UPS // 2 else None


def targets(options: Options, subset: Subset) -> tuple[Bytes, Floats]:
    """Faces uint8 [n,112,112,3] and their points float32 [n,5,2]; what is missing in the cache is computed first."""
    picked = numpy_chance(options.seed, 0).permutation(len(subset.images))[:FACES]
    table = open_table(options.cache / f"points-{subset.hash[:12]}.npy", (len(picked), POINTS, 2), np.float32)
    missing = np.flatnonzero(np.isnan(table[:, 0, 0]))
    if len(missing):
        detector = BlazeFace()
        for place in missing:
            row = int(picked[place])
            points = target(subset.images[row], detector, numpy_chance(options.seed, row))
            table[place] = np.inf if points is None else points
    found = np.asarray(table, np.float32)
    known = np.isfinite(found[:, 0, 0])
    return subset.images[picked[known]], found[known]


class LandmarkNet(nn.Module):
    """RGB `pixel / 127.5 - 1` float [n,3,96,96] to points float [n,5,2] in pixels of the crop."""

    mean: Tensor

    def __init__(self, mean: Floats, channels: Sequence[int] = (16, 32, 48, 64, 96)) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean))
        layers: list[nn.Module] = []
        inputs = 3
        for outputs in channels:
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            layers += [nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            inputs = outputs
        self.body = nn.Sequential(*layers)
        side = CROP_PX // 2 ** len(channels)
        self.head = nn.Linear(inputs * side * side, POINTS * 2)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The mean points and what the face differs from them."""
        found: Tensor = self.mean + 10.0 * self.head(self.body(x).flatten(1)).view(-1, POINTS, 2)
        return found


def wing_loss(found: Tensor, wanted: Tensor, width_px: float = 5.0, curve_px: float = 1.0) -> Tensor:
    """Mean of w ln(1 + |d| / e) where |d| is below `width_px`, and of |d| less a constant beyond, so that both meet."""
    error = (found - wanted).abs()
    constant = width_px - width_px * math.log1p(width_px / curve_px)
    return torch.where(error < width_px, width_px * torch.log1p(error / curve_px), error - constant).mean()


def network_input(crops: Bytes) -> Tensor:
    """Crops uint8 [n,96,96,3] in the network's range."""
    return torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 127.5 - 1.0


class Landmarks:
    """The task: misplaced crops of faces, three of four degraded."""

    def __init__(self, faces: Bytes, points: Floats, options: Options) -> None:
        torch.manual_seed(options.seed)
        self.faces, self.points, self.options = faces, points, options
        middle = moved(points.astype(np.float64).mean(axis=0), to_crop(np.eye(2, 3)))
        self.module = LandmarkNet(middle.astype(np.float32))
        self.optimizer = torch.optim.AdamW(self.module.parameters(), RATE)

    def batch(self, number: int) -> tuple[Tensor, Tensor]:
        """Crops in the network's range and their points."""
        rng = numpy_chance(self.options.seed, number)
        rows = rng.integers(0, len(self.faces), self.options.batch)
        crops = np.empty((len(rows), CROP_PX, CROP_PX, 3), np.uint8)
        wanted = np.empty((len(rows), POINTS, 2), np.float32)
        for place, row in enumerate(rows):
            face = self.faces[row]
            if rng.random() < 0.75:
                face = degrade(face, self.options.seed + 1, int(rng.integers(2**31)))
            matrix = to_crop(jitter_matrix(rng))
            crops[place] = warp(face, matrix, CROP_PX)
            wanted[place] = moved(self.points[row].astype(np.float64), matrix)
        return network_input(crops), torch.from_numpy(wanted)

    def step(self, number: int, fraction: float) -> Tensor:
        """One batch."""
        set_rate(self.optimizer, learning_rate(RATE, fraction, number, 20))
        x, wanted = self.batch(number)
        self.module.train()
        return descend(self, wing_loss(self.module(x), wanted))


@torch.no_grad()
def refined(network: LandmarkNet, picture: Bytes, landmarks: npt.NDArray[np.floating]) -> Doubles:
    """Five points float64 [5,2] in a picture, from the network's view of a detected face."""
    matrix = to_crop(similarity_transform(np.asarray(landmarks, np.float64)[:4]))
    network.eval()
    found = network(network_input(warp(picture, matrix, CROP_PX)[None]))[0].numpy().astype(np.float64)
    return moved(found, inverse(matrix))


def low_picture(picture: Bytes, eyes_px: float, kind: str, rng: np.random.Generator) -> Bytes:
    """A picture degraded before detection; `small` shrinks until the eyes are 10 to 14 px apart, and back."""
    if kind != "small":
        return RECIPES[kind](picture, rng)
    height, width = picture.shape[:2]
    share = rng.uniform(10.0, 14.0) / eyes_px
    size = (max(8, round(width * share)), max(8, round(height * share)))
    small = Image.fromarray(picture).resize(size, Image.Resampling.BOX)
    return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))


@dataclass(frozen=True)
class Aligned:
    """Faces uint8 [n,112,112,3] aligned in both ways, and the person of each."""

    detector: Bytes
    network: Bytes
    person: npt.NDArray[np.int64]


def aligned_pictures(
    images: Path, names: Sequence[str], network: LandmarkNet, detector: BlazeFace, tier: str
) -> tuple[Aligned, npt.NDArray[np.int64]]:
    """Both alignments of pictures of a tier (`high`, `low` or `small`), and the numbers of those that were found."""
    crops: tuple[list[Bytes], list[Bytes]] = ([], [])
    kept, person = [], []
    folders = sorted({name.rsplit("/", 1)[0] for name in names})
    for number, name in enumerate(names):
        with Image.open(images / name) as opened:
            pixels = np.asarray(opened.convert("RGB"))
        face = central(detector.search(Image.fromarray(pixels)), pixels.shape[1], pixels.shape[0])
        if face is None:
            continue
        if tier != "high":
            rng = np.random.default_rng([MEASURED_SEED, number])
            kind = "small" if tier == "small" else KINDS[int(rng.integers(len(KINDS)))]
            pixels = low_picture(pixels, face.eye_distance_px, kind, rng)
            face = central(detector.search(Image.fromarray(pixels)), pixels.shape[1], pixels.shape[0])
            if face is None:
                continue
        points = refined(network, pixels, face.landmarks)
        crops[0].append(align(pixels, face.landmarks))
        crops[1].append(align(pixels, points))
        kept.append(number)
        person.append(folders.index(name.rsplit("/", 1)[0]))
    found = Aligned(np.stack(crops[0]), np.stack(crops[1]), np.array(person, np.int64))
    return found, np.array(kept, np.int64)


def gains(options: Options, network: LandmarkNet, student: LiteModel) -> dict[str, float]:
    """TAR at FAR 1 % and 0.1 % of both alignments: degraded probes against good references."""
    folder = options.evaluation / "lfw-dev"
    names = read_pairs(folder / "pairs.txt").names[:PICTURES]
    detector = BlazeFace()
    figures: dict[str, float] = {"pictures": float(len(names))}
    high, high_numbers = aligned_pictures(folder / "images", names, network, detector, "high")
    references = {way: embed_single(student, getattr(high, way)) for way in ("detector", "network")}
    for tier in ("low", "small"):
        probes, numbers = aligned_pictures(folder / "images", names, network, detector, tier)
        figures[f"{tier}_found"] = float(len(numbers))
        others = numbers[:, None] != high_numbers[None]
        label = (probes.person[:, None] == high.person[None])[others]
        for way in ("detector", "network"):
            scores = (embed_single(student, getattr(probes, way)) @ references[way].T)[others]
            for far in (0.01, 0.001):
                figures[f"{tier}_{way}_tar_at_{far}"] = tar_at_far(scores, label, far)
    return figures


def error_px(task: Landmarks) -> float:
    """Mean error of a point in pixels of the aligned face, on unseen misplacements of degraded training faces."""
    task.module.eval()
    with torch.no_grad():
        x, wanted = task.batch(10**9)
        return float((task.module(x) - wanted).norm(dim=2).mean()) / CROP_SCALE


def write_gains(folder: Path, trained: Trained, figures: dict[str, float]) -> None:
    """Writes `result-landmarks.json` and prints it."""
    document = {"seconds": trained.seconds, "steps": trained.steps, **figures}
    path = folder / f"result-{NAME}.json"
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    os.replace(beside, path)
    print(f"{NAME}: {json.dumps(document)}")


def main(words: Sequence[str] | None = None) -> None:
    """Trains the network and measures what it gains."""
    options = arguments("Train a landmark network.", words)
    torch.set_num_threads(1)
    subset = read_subset(options.pack, options.cache, options.people, options.photos, options.seed)
    task = Landmarks(*targets(options, subset), options)
    trained = fit(task, options, NAME, subset.hash)
    figures = gains(options, task.module, LiteModel(options.student))
    figures |= {"error_px": error_px(task), "faces": float(len(task.faces))}
    write_gains(options.cache, trained, figures)


if __name__ == "__main__":
    main()
