"""Trains the whole student in the joined space of two teachers, from today's weights: the recipe for one large GPU.

Invariant: a killed run goes on from what lies in `--out`: the space and the targets (`space.npz`), the start
(`start.npz`) and the checkpoint, each whole or not there. The faces of the protocols are kept out of training. The
loop, the loss and the optimizers are those of distil.py, on CPU and CUDA alike.

At first, on the device: SFace's targets of every face, the rotation of the joined space (fixed on the training faces),
batch normalisation inserted into the folded start with statistics of degraded faces (unfold.py), and a head by ridge
regression. Half of every batch are blended faces, and both teachers are asked about them on the spot.

    python -m roomkin_training.retrain --pack DIR --start start.npz --sface sface.npz --teacher mobilefacenet.npz \
        --pairs pairs.npz --out OUT --minutes 9 --compile
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import checkpoint, curve, portions
from .augment import degrade
from .children import OLDEST, child_protocol, held_children
from .data import SIDE_PX, Faces, read_pack, split
from .dice import Dice
from .distil import Lesson, Run, checked, make_parser, train
from .folding import read_weights
from .joint import Joint
from .ridge import Moments
from .spaces import joined, rotated, rotation
from .student import Student, normalised_input
from .teacher import Teacher, load_program, mirrored_mean
from .unfold import measure_statistics, set_head, unfolded
from .wild import held_identities, wild_protocol

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Space:
    """The joined space of a training: basis [sum of d, k], targets of every face [n, k], and the weight of SFace."""

    basis: Floats
    targets: Floats
    mix: float


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _whole(path: Path, write: Callable[[Path], None]) -> None:
    """Calls `write` with a name beside `path`, then renames it."""
    beside = path.with_suffix(f".{os.getpid()}.part{path.suffix}")
    write(beside)
    os.replace(beside, path)


def held_rows(faces: Faces, options: argparse.Namespace) -> tuple[Rows, Rows]:
    """Rows of the children and of the people that are kept out for the protocols."""
    return held_children(faces, options.held_children), held_identities(faces, options.held_people)


def people(faces: Faces, options: argparse.Namespace) -> curve.People:
    """The protocols of the pack's own people; without children or named people that protocol is left out."""
    children, wild = held_rows(faces, options)
    return curve.People(
        wild_protocol(faces, options.held_people) if len(wild) else None,
        child_protocol(faces, children) if len(children) > 1 else None,
    )


def training_rows(faces: Faces, options: argparse.Namespace) -> Rows:
    """The rows that are trained on."""
    return np.setdiff1d(split(len(faces), options.held_out)[0], np.union1d(*held_rows(faces, options)))


def open_teacher(path: Path, device: torch.device, compiled: bool) -> Any:
    """A teacher on the device, in half precision on CUDA."""
    teacher = Teacher(*load_program(path), shifted=compiled).eval().float().to(device)
    teacher = teacher.half() if device.type == "cuda" else teacher
    return torch.compile(teacher, dynamic=False) if compiled else teacher


def _pixels(faces: Faces, rows: Rows, device: torch.device) -> Tensor:
    """Clean faces float [n,3,112,112] in 0 to 255."""
    return torch.from_numpy(faces.images[rows]).to(device).permute(0, 3, 1, 2).float()


def embed_all(teacher: Any, faces: Faces, batch: int, device: torch.device) -> Floats:
    """The teacher's mirrored means of every face, float32 [n, d], in batches of one size: the last is filled up."""
    parts, said = [], time.monotonic()
    for start in range(0, len(faces), batch):
        rows = np.minimum(np.arange(start, start + batch), len(faces) - 1)
        parts.append(mirrored_mean(teacher, _pixels(faces, rows, device)).cpu().numpy())
        if time.monotonic() - said > 10:
            _say(f"targets: {start} of {len(faces)} faces")
            said = time.monotonic()
    return np.concatenate(parts)[: len(faces)]


def make_space(faces: Faces, sface: Floats, mix: float, rows: Rows, numbers: int) -> Space:
    """The space of the weighted targets, rotated to the principal directions of the faces in `rows`."""
    both = joined([sface, faces.targets], [mix, 1 - mix]) if mix < 1 else sface
    basis = rotation(both[rows], min(numbers, both.shape[1]))
    return Space(basis, rotated(both, basis), mix)


def space(path: Path, faces: Faces, mix: float, make: Callable[[], Space]) -> Space:
    """The space in `path`, made where missing. Raises ValueError where it is of other data or another mix."""
    if not path.exists():
        made = make()
        _whole(
            path,
            lambda part: np.savez(
                part, basis=made.basis, targets=made.targets.astype(np.float16), mix=np.float32(mix),
                data_hash=np.array(faces.hash),
            ),
        )  # fmt: skip
    with np.load(path, allow_pickle=False) as file:
        if str(file["data_hash"]) != faces.hash or abs(float(file["mix"]) - mix) > 1e-6:
            raise ValueError(f"{path} was made of other data or with --mix {float(file['mix']):.2f}: use another --out")
        targets = file["targets"].astype(np.float32)
        return Space(file["basis"], targets / np.linalg.norm(targets, axis=1, keepdims=True), mix)


class Degraded:
    """Training faces as the student sees them, in batches, with their targets; the same for the same seed."""

    def __init__(self, faces: Faces, rows: Rows, targets: Floats, options: argparse.Namespace) -> None:
        self.faces, self.rows, self.targets = faces, rows, targets
        self.batch, self.seed, self.device = options.batch, options.seed, torch.device(options.device)

    def __call__(self, count: int) -> Iterator[tuple[Tensor, Floats]]:
        """At least `count` faces: student's input, and targets [n, k]."""
        order = np.random.default_rng(self.seed).permutation(self.rows)
        generator = torch.Generator(self.device)
        generator.manual_seed(self.seed)
        for start in range(0, min(count, len(order)), self.batch):
            rows = order[start : start + self.batch]
            seen = degrade(_pixels(self.faces, rows, self.device) / 255.0, Dice(generator, len(rows), SIDE_PX))
            yield normalised_input(seen * 255.0), self.targets[rows]


@torch.no_grad()
def make_start(options: argparse.Namespace, degraded: Degraded) -> Student:
    """Today's weights with batch normalisation, and a head for the new space."""
    student = unfolded(read_weights(options.start)).to(degraded.device)
    measure_statistics(student, (x for x, _ in degraded(options.statistics)))
    _say(f"batch normalisation: measured on {options.statistics} faces at most")
    moments = Moments()
    for x, targets in degraded(options.head_faces):
        moments.add(student.features(x).float().cpu().numpy(), targets)
    set_head(student, *moments.solve(options.penalty))
    _say(f"head: fitted on {moments.count} degraded faces")
    return student


def prepare(options: argparse.Namespace, faces: Faces) -> tuple[Faces, Lesson]:
    """Space, targets and start, from `--out` where they are there; the faces with their new targets and the lesson."""
    device = torch.device(options.device)
    sface = open_teacher(options.sface, device, options.compile)
    # The size of the blended half of a batch, so that a compiled teacher sees one shape only.
    size = max(round(options.batch * options.blended), 1) if options.blended else options.batch
    rows = training_rows(faces, options)
    if len(rows) == 0:
        raise SystemExit("no face is left to train on: lower --held-people, --held-children or --held-out")
    made = space(
        options.out / "space.npz", faces, options.mix,
        lambda: make_space(
            faces, embed_all(sface, faces, size, device), options.mix, rows, options.numbers
        ),
    )  # fmt: skip
    start = options.out / "start.npz"
    if not start.exists():
        student = make_start(options, Degraded(faces, rows, made.targets, options))
        _whole(start, lambda part: checkpoint.export_weights(part, student, faces.hash))
    teachers, weights = [sface], [1.0]
    if options.mix < 1:
        teachers = [sface, open_teacher(options.teacher, device, options.compile)]
        weights = [options.mix, 1 - options.mix]
    joint = Joint(teachers, weights, torch.from_numpy(made.basis).to(device))
    kept_out = np.union1d(*held_rows(faces, options))
    return replace(faces, targets=made.targets), Lesson(joint, kept_out, people(faces, options))


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line: that of distil, and the second teacher's."""
    parser = make_parser("Train the whole student in the space of two teachers.")
    # A third of the rate for random weights: today's weights are to be kept where they are right.
    parser.set_defaults(lr=1.5e-3, warm_up=300, children=3.0, seed=20261129)
    parser.add_argument("--sface", type=Path, required=True, help="the second teacher, .onnx or .npz")
    parser.add_argument("--mix", type=float, default=0.5, help="weight of SFace's cosine in the new space")
    parser.add_argument("--numbers", type=int, default=192, help="length of the new embedding, at most")
    parser.add_argument("--statistics", type=int, default=4096, help="faces that batch normalisation is measured on")
    parser.add_argument("--head-faces", type=int, default=20_000, help="faces that the first head is fitted on")
    parser.add_argument("--penalty", type=float, default=1.0, help="of the first head's regression, see ridge")
    parser.add_argument(
        "--held-children", type=int, default=400, help=f"children of 1 to {OLDEST} years kept out for their protocol"
    )
    parser.add_argument("--held-people", type=int, default=400, help="people kept out for the protocol in the wild")
    parser.add_argument("--portion-mib", type=float, default=15.0, help="size of the pieces of the weights, at most")
    parser.add_argument("--processes", type=int, default=0, help="that decode the pack (default: one per core)")
    options = checked(parser, parser.parse_args(words))
    if options.start is None:
        parser.error("give the weights to start from: --start")
    if not 0 < options.mix <= 1:
        parser.error("--mix must be above 0 and at most 1")
    if options.mix < 1 and options.teacher is None:
        parser.error("--mix below 1 needs --teacher")
    if options.features or options.arc:
        parser.error("--features and --arc belong to the first teacher alone: use distil")
    return options


def main(words: Sequence[str] | None = None) -> None:
    """Prepares what is missing, trains, and leaves the weights in portions."""
    options = arguments(words)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.set_float32_matmul_precision("high")
    began = time.monotonic()
    faces = read_pack(options.pack, options.limit, options.processes or None)
    _say(f"{len(faces)} faces, data {faces.hash[:12]}, read in {time.monotonic() - began:.0f} s")
    taught, lesson = prepare(options, faces)
    options.start = options.out / "start.npz"
    run = Run(options, taught, lesson)
    _say(f"prepared in {time.monotonic() - began:.0f} s")
    if run.step == 0:
        run.save()
        _say(str(run.measure()))
    train(run)
    written = portions.split(options.out / "student.npz", options.out / "portions", options.portion_mib)
    _say(f"weights: {len(written)} portions in {options.out / 'portions'}")


if __name__ == "__main__":
    main()
