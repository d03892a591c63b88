"""Distillation of a small student from scratch, one idea at a time: what each adds within the same budget.

- `one`: the teacher's stored embedding of the clean face (the mean of the face and its mirror image).
- `mirror`: the student sees the picture and its mirror image, and each has the teacher's embedding of its own side.
- `hints`: as `one`, and the teacher's hidden maps (`losses.HintLoss`).
- `copied`: as `one`, and an ArcFace term whose last layer starts as the teacher's: its normalised mean of each person's
  embeddings, since the teacher's file has no classifier.
- `two`: the joined space of MobileFaceNet and SFace (`spaces.py`), half of each.

    python -m roomkin_training.methods.distillation --variant two --sface SFACE.onnx
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..augment import degrade, placement
from ..data import DIMENSION
from ..data import SIDE_PX as FULL_PX
from ..dice import Dice
from ..losses import HintLoss, arc_loss, class_centres, cosine_loss, mirrored, relation_loss
from ..metrics import normalised
from ..schedule import learning_rate
from ..spaces import joined, rotated, rotation
from ..student import Student, stage_channels
from ..teacher import Teacher, load_program
from ..teachers import TEACHERS, MobileFaceNet, SFace
from .evaluation import Row, cosine, embed_material, report_embeddings
from .material import Bytes, Floats, Subset, open_table, read_material, read_subset
from .networks import embedder, small_input, unit_pixels
from .running import Options, descend, fit, numpy_chance, options_of, parser, set_rate, torch_chance

WIDTH = 0.25
SFACE_NUMBERS = TEACHERS["sface"].numbers
RATE = 4e-3
WARM_UP_STEPS = 20
RELATION = 0.3
HINTS = 0.3
ARC = 0.05
TITLES = {
    "one": "distillation, one teacher",
    "mirror": "distillation, both mirror images",
    "hints": "distillation, intermediate features",
    "copied": "distillation, copied last layer and ArcFace",
    "two": "distillation, two teachers",
}
VARIANTS = tuple(TITLES)


def row(variant: str) -> Row:
    """What the table says of a variant."""
    return Row(f"distillation-{variant}", TITLES[variant], f"from scratch, width {WIDTH}")


def sides(ask: Callable[[Bytes], Floats], faces: Bytes, path: Path, numbers: int, batch: int = 16) -> Floats:
    """A teacher's embeddings float32 [n,2,numbers] of faces and of their mirror images, from the file.

    What is missing there is computed first.
    """
    table = open_table(path, (len(faces), 2, numbers), np.float16)
    for start in range(0, len(faces), batch):
        part = faces[start : start + batch]
        if np.isnan(table[start : start + batch]).any():
            table[start : start + batch] = np.stack([ask(part), ask(part[:, :, ::-1])], axis=1)
    return normalised(np.asarray(table, np.float32))


def teacher_sides(options: Options, subset: Subset) -> Floats:
    """MobileFaceNet's embeddings float32 [n,2,192] of both sides."""
    teacher = MobileFaceNet(options.teacher)
    return sides(teacher.plain, subset.images, options.cache / f"mobilefacenet-{subset.hash[:12]}.npy", DIMENSION)


def joined_targets(options: Options, subset: Subset, sface: Path) -> Floats:
    """Targets float32 [n,192] of both teachers, half of each."""
    second = sides(SFace(sface), subset.images, options.cache / f"sface-{subset.hash[:12]}.npy", SFACE_NUMBERS)
    both = joined([normalised(second.sum(axis=1)), subset.targets], [0.5, 0.5])
    return rotated(both, rotation(both, min(DIMENSION, both.shape[1])))


class Distillation:
    """The task. `targets` float32 [n,192], or [n,2,192] of both sides for `mirror`."""

    def __init__(self, variant: str, subset: Subset, targets: Floats, options: Options, width: float = WIDTH) -> None:
        torch.manual_seed(options.seed)
        self.variant, self.options = variant, options
        self.images, self.person = subset.images, torch.from_numpy(subset.person)
        self.targets = torch.from_numpy(targets)
        self.student = Student(width)
        parts: dict[str, nn.Module] = {"student": self.student}
        self.teacher: Teacher | None = None
        if variant == "hints":
            self.teacher = Teacher(*load_program(options.teacher)).eval()
            hints = self.teacher.hints(torch.zeros(1, 3, FULL_PX, FULL_PX))
            self.hint_loss = HintLoss(stage_channels(width)[: len(hints)], [hint.shape[1] for hint in hints])
            parts["hints"] = self.hint_loss
        if variant == "copied":
            centres, _ = class_centres(self.targets, self.person)
            self.last = nn.Linear(DIMENSION, len(centres), bias=False)
            self.last.weight.data.copy_(centres)
            parts["last"] = self.last
        self.module = nn.ModuleDict(parts).to(memory_format=torch.channels_last)
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(
            self.module.parameters(), RATE, weight_decay=0.05, betas=(0.9, 0.99)
        )

    def step(self, number: int, fraction: float) -> Tensor:
        """One batch of faces; `mirror` takes half as many, because each is seen twice."""
        seed, count = self.options.seed, self.options.batch // (2 if self.variant == "mirror" else 1)
        set_rate(self.optimizer, learning_rate(RATE, fraction, number, WARM_UP_STEPS))
        rows = numpy_chance(seed, number).integers(0, len(self.images), count)
        clean, targets = unit_pixels(self.images[rows]), self.targets[rows]
        dice = Dice(torch_chance(seed, number), count, FULL_PX)
        matrices = placement(FULL_PX, dice)
        seen = degrade(clean, dice)
        if self.variant == "mirror":
            turned = mirrored(matrices)
            seen = torch.cat([seen, seen.flip(3)])
            shown = torch.where(turned[:, None, None], targets.flip(1), targets)
            targets = torch.cat([shown[:, 0], shown[:, 1]])
        self.module.train()
        raw, maps = self.student.with_maps(small_input(seen))
        found = F.normalize(raw, dim=1)
        loss = cosine_loss(found, targets) + RELATION * relation_loss(found, targets)
        if self.teacher is not None:
            with torch.no_grad():
                shown = torch.where(mirrored(matrices).view(-1, 1, 1, 1), clean.flip(3), clean)
                wanted = self.teacher.hints(shown * 255.0)
            loss = loss + HINTS * self.hint_loss(maps[: len(wanted)], wanted, matrices)
        if self.variant == "copied":
            loss = loss + ARC * arc_loss(found, self.person[rows], F.normalize(self.last.weight, dim=1))
        return descend(self, loss)


def main(words: Sequence[str] | None = None) -> None:
    """Trains and measures one variant."""
    made = parser("Distil a small student from scratch.")
    made.add_argument("--variant", choices=VARIANTS, default="one")
    made.add_argument("--sface", type=Path, default=Path.home() / ".cache/roomkin-training/sface.onnx")
    made.add_argument("--width", type=float, default=WIDTH)
    parsed = made.parse_args(words)
    options = options_of(parsed)
    torch.set_num_threads(1)
    subset = read_subset(options.pack, options.cache, options.people, options.photos, options.seed)
    targets = subset.targets
    if parsed.variant == "mirror":
        targets = teacher_sides(options, subset)
    if parsed.variant == "two":
        targets = joined_targets(options, subset, parsed.sface)
    task = Distillation(parsed.variant, subset, targets, options, parsed.width)
    here = row(parsed.variant)
    trained = fit(task, options, here.method, subset.hash)
    embed = embedder(task.student)
    material = read_material(options.evaluation, options.cache)
    report_embeddings(
        options.cache, here, trained, material, embed_material(material, embed), embed, cosine, subset.hash,
        options.seed,
    )  # fmt: skip


if __name__ == "__main__":
    main()
