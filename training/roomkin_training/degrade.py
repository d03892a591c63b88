"""Bad pictures on purpose: the seeded recipe that turns an aligned face into what a room camera gives.

Invariant: the same face, seed and index give the same bytes on every machine (NumPy's PCG64 and PIL's resampling).

One of four, in turn by chance: `small` (shrunk by area until the eyes are 10 to 14 px apart, and back by bilinear),
`dark` (12 to 35 % of the light, shot and read noise), `noisy` (Gaussian, sigma 15 to 35 grey levels), `blurred`
(Gaussian sigma 1.2 to 2.5 px, or motion over 6 to 11 px in any direction). Sizes are pixels of the 112 px crop, where
the eyes of the template are 35.2 px apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

Bytes = npt.NDArray[np.uint8]
Generator = np.random.Generator

EYES_APART_PX = 35.24
KINDS = ("small", "dark", "noisy", "blurred")


def _bytes(values: npt.NDArray[np.floating]) -> Bytes:
    rounded: Bytes = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return rounded


def small(face: Bytes, rng: Generator) -> Bytes:
    """Shrunk until the eyes are 10 to 14 px apart, then stretched back."""
    side = face.shape[0]
    tiny = round(side * rng.uniform(10.0, 14.0) / EYES_APART_PX)
    picture = Image.fromarray(face).resize((tiny, tiny), Image.Resampling.BOX)
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))


def dark(face: Bytes, rng: Generator) -> Bytes:
    """12 to 35 % of the light, with shot noise (Poisson, 2 electrons a level) and read noise, not brightened again."""
    light = face.astype(np.float64) * rng.uniform(0.12, 0.35)
    return _bytes(rng.poisson(light * 2.0) / 2.0 + rng.normal(0.0, 1.5, face.shape))


def noisy(face: Bytes, rng: Generator) -> Bytes:
    """Gaussian noise, sigma 15 to 35 levels, each channel for itself."""
    return _bytes(face + rng.normal(0.0, rng.uniform(15.0, 35.0), face.shape))


def blurred(face: Bytes, rng: Generator) -> Bytes:
    """Out of focus (Gaussian) or moved (mean along a line), each half of the time."""
    if rng.random() < 0.5:
        return np.asarray(Image.fromarray(face).filter(ImageFilter.GaussianBlur(rng.uniform(1.2, 2.5))))
    length, angle = rng.uniform(6.0, 11.0), rng.uniform(0.0, np.pi)
    total = np.zeros(face.shape, dtype=np.float64)
    shifts = np.linspace(-length / 2, length / 2, 17)
    height, width = face.shape[:2]
    for shift in shifts:
        dx, dy = round(float(np.cos(angle) * shift)), round(float(np.sin(angle) * shift))
        rows = np.clip(np.arange(height) + dy, 0, height - 1)
        columns = np.clip(np.arange(width) + dx, 0, width - 1)
        total += face[rows][:, columns]
    return _bytes(total / len(shifts))


RECIPES = {"small": small, "dark": dark, "noisy": noisy, "blurred": blurred}


def degrade(face: Bytes, seed: int, index: int, kind: str | None = None) -> Bytes:
    """A low-quality version of an aligned face uint8 [112, 112, 3]; `kind` is drawn where it is not named."""
    rng = np.random.default_rng([seed, index])
    drawn = KINDS[int(rng.integers(len(KINDS)))]
    return RECIPES[kind or drawn](face, rng)


def degrade_all(faces: Bytes, seed: int, kind: str | None = None) -> Bytes:
    """`degrade` for each of uint8 [n, 112, 112, 3], the row being the index."""
    return np.stack([degrade(face, seed, index, kind) for index, face in enumerate(faces)])
