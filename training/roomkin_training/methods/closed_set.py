"""A classifier of one household: the frozen trunk, flattened, and a dense softmax over its people and "unknown".

The dense layer is trained first, then the trunk's last block with it. Each person has `REFERENCES` photos, of which
flips, rotations, colours, brightness and motion blur make `PER_PERSON`; "unknown" has photos of strangers of the pack
and crops of rooms without a face. A household of another size, or one more person, is another training.

Invariant: the scores of a household are stored when its training ends, so a killed run loses one household at most.

    python -m roomkin_training.methods.closed_set
"""

from __future__ import annotations

import copy
import hashlib
import math
import time
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..folded_student import LAST_STAGE, FoldedStudent
from ..geometry import jitter, motion, similarity
from .evaluation import (
    LARGEST,
    REFERENCES,
    Figures,
    Result,
    Row,
    Scorer,
    household_figures,
    households,
    write_result,
)
from .material import Bytes, Floats, Material, Rows, Subset, read_material, read_subset, room_crops
from .networks import unit_pixels
from .running import Options, arguments, numpy_chance, torch_chance
from .trunk import BATCH, read_trunk, trunk_input

ROW = Row("closed-set", "classifier of one household", "dense layer and last block of the trunk, each household")
PER_PERSON = 24
STRANGERS, ROOMS = 70, 30
LAST_BLOCK = 15
EPOCHS = 9
DENSE_EPOCHS = 6
DENSE_RATE, BLOCK_RATE = 1e-3, 2e-5

Halves = npt.NDArray[np.float16]


def augmented(faces: Bytes, generator: torch.Generator) -> Bytes:
    """A changed copy of each face uint8 [n,112,112,3]: flip, rotation, colour, brightness and motion blur."""
    x, count = unit_pixels(faces), len(faces)

    def chance() -> Tensor:
        return torch.rand(count, generator=generator)

    turn, scale = (chance() - 0.5) * math.radians(30), 1 + (chance() - 0.5) * 0.1
    shift_x, shift_y = (chance() - 0.5) * 6, (chance() - 0.5) * 6
    x = jitter(x, similarity(scale, turn, shift_x, shift_y, chance() < 0.5, x.shape[-1]))
    colours = 1 + (torch.rand(count, 3, 1, 1, generator=generator) - 0.5) * 0.3
    x = (x * colours * (0.5 + chance()).view(-1, 1, 1, 1)).clamp(0, 1)
    lengths, direction = chance() * 10, chance() * math.pi
    blurred = motion(x, lengths, direction)
    x = torch.where((chance() < 0.4).view(-1, 1, 1, 1), blurred, x)
    changed: Bytes = (x * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    return changed


@torch.no_grad()
def last_maps(trunk: FoldedStudent, faces: Bytes) -> Halves:
    """What goes into the trunk's last block, float16 [n,2048 width,4,4], of faces uint8 [n,112,112,3]."""
    parts = []
    for start in range(0, len(faces), BATCH):
        x = trunk.frozen(trunk_input(faces[start : start + BATCH]))
        for number in range(LAST_STAGE, LAST_BLOCK):
            x = trunk.block(number, x)
        parts.append(x.numpy().astype(np.float16))
    return np.concatenate(parts)


class Classifier(nn.Module):
    """Maps float [n,c,4,4] to logits float [n,people + 1]: the trunk's last block, flattened, and a dense layer."""

    def __init__(self, trunk: FoldedStudent, channels: int, side: int, people: int) -> None:
        super().__init__()
        self.trunk = FoldedStudent({})
        own = f"body_{LAST_BLOCK}_"
        self.trunk.units = nn.ModuleDict({k: copy.deepcopy(v) for k, v in trunk.units.items() if k.startswith(own)})
        self.trunk.requires_grad_(True)
        self.dense = nn.Linear(channels * side * side, people + 1)
        nn.init.zeros_(self.dense.weight)

    def block(self, maps: Tensor) -> Tensor:
        """The flattened output of the last block."""
        return torch.flatten(self.trunk.block(LAST_BLOCK, maps), 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Logits."""
        found: Tensor = self.dense(self.block(maps))
        return found


def batches(count: int, size: int, seed: int, epoch: int) -> Iterator[Tensor]:
    """Rows of each batch of an epoch, in the epoch's order."""
    yield from torch.split(torch.from_numpy(numpy_chance(seed, epoch).permutation(count)), size)


def train_classifier(model: Classifier, maps: Tensor, label: Tensor, seed: int, epochs: int = EPOCHS) -> None:
    """The dense layer for `DENSE_EPOCHS`, then the last block with it until `epochs`."""
    weights = 1.0 / torch.bincount(label).float()
    weights = weights / weights.mean()
    with torch.no_grad():
        flat = torch.cat([model.block(part) for part in torch.split(maps, 64)])
    optimizer = torch.optim.AdamW(model.dense.parameters(), DENSE_RATE)
    for epoch in range(DENSE_EPOCHS):
        for rows in batches(len(label), 32, seed, epoch):
            optimizer.zero_grad()
            torch.autograd.backward(F.cross_entropy(model.dense(flat[rows]), label[rows], weights))
            optimizer.step()
    groups = [
        {"params": model.trunk.parameters(), "lr": BLOCK_RATE},
        {"params": model.dense.parameters(), "lr": DENSE_RATE / 10},
    ]
    optimizer = torch.optim.AdamW(groups)
    for epoch in range(DENSE_EPOCHS, epochs):
        for rows in batches(len(label), 32, seed, epoch):
            optimizer.zero_grad()
            torch.autograd.backward(F.cross_entropy(model(maps[rows]), label[rows], weights))
            optimizer.step()


def odds(logits: Floats) -> Floats:
    """log(p / (1 - p)) of the softmax [n,k], which rises with p and does not saturate at 1 as p does."""
    values = logits.astype(np.float64)
    result = np.empty_like(values)
    for column in range(values.shape[1]):
        others = np.delete(values, column, axis=1)
        most = others.max(axis=1)
        result[:, column] = values[:, column] - most - np.log(np.exp(others - most[:, None]).sum(axis=1))
    return result.astype(np.float32)


class Households:
    """Trains a classifier for any references of any tier and scores all portraits, from the cache where it can."""

    def __init__(self, trunk: FoldedStudent, material: Material, subset: Subset, options: Options) -> None:
        self.trunk, self.material, self.options = trunk, material, options
        self.portraits = {"high": material.portraits.faces, "low": material.portraits_low}
        rooms = room_crops(options.evaluation, ROOMS, options.seed)
        strangers = subset.images[numpy_chance(options.seed, 0).permutation(len(subset.images))[:STRANGERS]]
        self.data = subset.hash
        self.unknown = last_maps(trunk, np.concatenate([strangers, rooms]))
        self.probes: dict[str, Halves] = {}
        self.photos: dict[tuple[int, str, int], Halves] = {}
        self.seconds: dict[int, list[float]] = {}

    def _probes(self, tier: str) -> Halves:
        if tier not in self.probes:
            path = self.options.cache / f"maps-portraits-{tier}-{self.data[:12]}.npy"
            if not path.exists():
                beside = path.with_suffix(".new.npy")
                np.save(beside, last_maps(self.trunk, self.portraits[tier]))
                beside.replace(path)
            self.probes[tier] = np.load(path, mmap_mode="r")
        return self.probes[tier]

    def _photo(self, row: int, tier: str, copies: int) -> Halves:
        """Maps of `copies` augmented copies of a portrait; the first is the portrait itself."""
        key = (row, tier, copies)
        if key not in self.photos:
            faces = np.repeat(self.portraits[tier][row : row + 1], copies, axis=0)
            faces[1:] = augmented(faces[1:], torch_chance(self.options.seed, row)) if copies > 1 else faces[1:]
            self.photos[key] = last_maps(self.trunk, faces)
        return self.photos[key]

    def fit(self, references: Rows, tier: str) -> Classifier:
        """A classifier of the people whose photos are `references` [people, photos]."""
        people, photos = references.shape
        copies = max(1, PER_PERSON // photos)
        rows = references.ravel()
        maps = np.concatenate([*(self._photo(int(row), tier, copies) for row in rows), self.unknown])
        label = np.concatenate([np.repeat(np.arange(people), photos * copies), np.full(len(self.unknown), people)])
        torch.manual_seed(self.options.seed)
        model = Classifier(self.trunk, maps.shape[1], maps.shape[2], people)
        train_classifier(model, torch.from_numpy(maps).float(), torch.from_numpy(label), self.options.seed)
        return model

    @torch.no_grad()
    def _score(self, model: Classifier, tier: str) -> Floats:
        maps = self._probes(tier)
        parts = [
            model(torch.from_numpy(maps[start : start + 64].astype(np.float32))).numpy()
            for start in range(0, len(maps), 64)
        ]
        return odds(np.concatenate(parts))

    def enrol(self, references: Rows, tier: str) -> Scorer:
        """See `evaluation.Enrol`; "unknown" is the last column."""
        name = hashlib.sha256(f"{self.data} {tier} {self.options.seed} {references.tolist()}".encode()).hexdigest()
        path = self.options.cache / f"closed-set-{name[:16]}.npz"
        if not path.exists():
            started = time.process_time()
            model = self.fit(references, tier)
            seconds = time.process_time() - started
            beside = path.with_suffix(".new.npz")
            # Degraded probes are searched in the largest households only.
            tiers = ("high", "low") if len(references) == LARGEST else ("high",)
            scored = {each: self._score(model, each) for each in tiers}
            np.savez(beside, seconds=np.float64(seconds), **scored)  # type: ignore[arg-type]
            beside.replace(path)
        with np.load(path) as file:
            scores = {each: file[each] for each in file.files if each != "seconds"}
            self.seconds.setdefault(len(references), []).append(float(file["seconds"]))

        def scorer(rows: Rows, probe_tier: str) -> Floats:
            found: Floats = scores[probe_tier][rows]
            return found

        return scorer


def measure(trainer: Households, person: Rows, seed: int) -> tuple[Figures, list[list[float]]]:
    """All figures of the table that a classifier has; it has no 1:1 figures, because it knows its people only."""
    figures, det = household_figures(trainer.enrol, person, seed)
    figures["strangers_named"] = figures[f"preferred_{LARGEST}"]
    return figures, det


def thirteenth_seconds(trainer: Households, person: Rows, seed: int) -> float:
    """Processor seconds to train again with one more person, whose photos are new to the trunk."""
    household = households(person, LARGEST, seed)[0]
    new = household.strangers[person[household.strangers] == person[household.strangers[0]]][:REFERENCES]
    started = time.process_time()
    trainer.fit(np.concatenate([household.references, new[None]]), "high")
    return time.process_time() - started


def main(words: Sequence[str] | None = None) -> None:
    """Trains a classifier for each household and measures them."""
    options = arguments("Train a classifier for each household.", words)
    torch.set_num_threads(1)
    subset = read_subset(options.pack, options.cache, options.people, options.photos, options.seed)
    material = read_material(options.evaluation, options.cache)
    trainer = Households(read_trunk(options), material, subset, options)
    person = material.portraits.person
    figures, det = measure(trainer, person, options.seed)
    seconds = float(np.mean(trainer.seconds[LARGEST]))
    again = thirteenth_seconds(trainer, person, options.seed)
    write_result(
        options.cache,
        Result(
            ROW.method, ROW.title, ROW.trained_on, seconds, 0, again, "trains again", trainer.data, figures, det,
            {f"seconds_{size}": float(np.mean(each)) for size, each in trainer.seconds.items()},
        ),
    )  # fmt: skip


if __name__ == "__main__":
    main()
