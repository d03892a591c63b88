"""The learning curve: what a student can do now, measured the same way each time, one row of a CSV per measurement.

Invariant: the harmed pictures are made once from a fixed seed, so that two rows differ only by the student. The
protocols are LFW view 1 (development) through aligned crops, 10 folds, and a held-out part of the pack.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from .children import ChildProtocol, child_figures
from .data import AlignedPairs, decode_all
from .degrade import degrade_all
from .metrics import fold_accuracy, tar_at_far
from .wild import wild_figures

Embed = Callable[[Tensor], Tensor]

SEED = 20261123


@dataclass(frozen=True)
class Row:
    """One measurement; shares and cosines are 0 to 1."""

    images: int
    seconds: float
    resolution: int
    width: float
    lfw: float
    lfw_tar_far1: float
    low_high_tar_far1: float
    cosine: float
    cosine_low: float
    data: str


@dataclass(frozen=True)
class PeopleRow(Row):
    """A measurement with the pack's own people as well; NaN where a protocol is empty."""

    lfw_tar_far01: float
    wild: float
    wild_tar_far1: float
    wild_tar_far01: float
    child_tar_far1: float
    child_tar_far01: float


@dataclass(frozen=True)
class People:
    """Protocols of the pack's own people, who are kept out of training; None where the pack has too few."""

    wild: AlignedPairs | None
    children: ChildProtocol | None


def read_pairs(path: Path) -> AlignedPairs:
    """Reads what `roomkin_training.alignment` wrote; faces may also be lossless files end to end (`data`, `offset`)."""
    with np.load(path, allow_pickle=False) as file:
        faces = file["faces"] if "faces" in file.files else decode_all(file["data"], file["offset"])
        return AlignedPairs(
            faces, file["left"].astype(np.int64), file["right"].astype(np.int64), file["label"].astype(bool),
            file["fold"].astype(np.int64),
        )  # fmt: skip


def _tensor(images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2)


class Protocols:
    """Everything that a row is measured on, on one device.

    `pairs` may be absent: then its figures are NaN. With `people` the figures are those of a `PeopleRow`.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        targets: Tensor,
        pairs: AlignedPairs | None,
        device: torch.device,
        people: People | None = None,
    ) -> None:
        self.device, self.pairs, self.targets, self.people = device, pairs, targets.to(device), people
        self.images, self.low = _tensor(images), _tensor(degrade_all(images, SEED))
        if pairs is not None:
            self.faces, self.low_faces = _tensor(pairs.images), _tensor(degrade_all(pairs.images, SEED + 1))

    def _embed(self, embed: Embed, images: Tensor) -> Tensor:
        with torch.no_grad():
            parts = [embed(part.to(self.device).float()) for part in torch.split(images, 256)]
        return F.normalize(torch.cat(parts).float(), dim=1)

    def measure(self, embed: Embed) -> dict[str, float]:
        """Figures of an embedder (pixels 0 to 255 float [n,3,112,112] to [n,d])."""
        result = {
            "cosine": float((self._embed(embed, self.images) * self.targets).sum(1).mean()),
            "cosine_low": float((self._embed(embed, self.low) * self.targets).sum(1).mean()),
            "lfw": float("nan"), "lfw_tar_far1": float("nan"), "low_high_tar_far1": float("nan"),
        }  # fmt: skip
        if self.people is not None:
            result |= {"lfw_tar_far01": float("nan")} | self._measure_people(self.people, embed)
        if self.pairs is None:
            return result
        high, low = self._embed(embed, self.faces), self._embed(embed, self.low_faces)
        clean = (high[self.pairs.left] * high[self.pairs.right]).sum(1).double().cpu().numpy()
        mixed = (low[self.pairs.left] * high[self.pairs.right]).sum(1).double().cpu().numpy()
        result["lfw"] = fold_accuracy(clean, self.pairs.same, self.pairs.fold)[0]
        result["lfw_tar_far1"] = tar_at_far(clean, self.pairs.same, 0.01)
        result["low_high_tar_far1"] = tar_at_far(mixed, self.pairs.same, 0.01)
        if self.people is not None:
            result["lfw_tar_far01"] = tar_at_far(clean, self.pairs.same, 0.001)
        return result

    def _measure_people(self, people: People, embed: Embed) -> dict[str, float]:
        def embedded(images: NDArray[np.uint8]) -> NDArray[np.float32]:
            rows: NDArray[np.float32] = self._embed(embed, _tensor(images)).cpu().numpy()
            return rows

        wild, children = people.wild, people.children
        figures = dict.fromkeys(
            ("wild", "wild_tar_far1", "wild_tar_far01", "child_tar_far1", "child_tar_far01"), float("nan")
        )
        if wild is not None:
            figures |= wild_figures(wild, embedded(wild.images))
        if children is not None:
            figures |= child_figures(children, embedded(children.first), embedded(children.second))
        return figures


def append_row(path: Path, row: Row) -> None:
    """Adds a row to the CSV, with its heading if the file is new. Every row of a file is of one kind."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(row)], lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(row).items()})
