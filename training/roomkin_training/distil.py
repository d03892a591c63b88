"""Teaches the student what the teacher sees in clean faces, from pictures as a room camera gives them.

Invariant: a run is named by its data's hash, seed and options; it goes on from its last checkpoint as if it had not
stopped, and ends with the learning rate at zero when its budget of minutes or pictures is spent. CPU and CUDA alike.

Half of every batch are faces of the pack with their stored targets; the other half are new faces, blended and bent from
two of them, whose targets the teacher computes on the spot: 115,000 faces are few, and the blends have no end. With
`--features` the teacher also sees every face of the batch, clean, and its hidden maps are asked for (`HintLoss`).
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from . import checkpoint, curve, optimizers, schedule
from .augment import degrade, placement
from .children import OLDEST
from .data import SIDE_PX, Faces, read_pack, split
from .dice import Dice
from .geometry import blend
from .joint import Joint
from .losses import HintLoss, arc_loss, class_centres, cosine_loss, length_loss, mirrored, relation_loss
from .student import Student, normalised_input, parameters_count, stage_channels
from .teacher import Teacher, load_program, mirrored_mean

LENGTH_SHARE = 0.01


@dataclass(frozen=True)
class Lesson:
    """What a training with several teachers adds (see retrain.py).

    `teachers` answers about blended faces, `kept_out` are rows of the pack that are not trained on, and `people` are
    the protocols that those rows are for.
    """

    teachers: Joint
    kept_out: NDArray[np.int64]
    people: curve.People


class Source:
    """Draws batches of clean faces (0 to 1), their targets and class rows, on one device, from one generator."""

    def __init__(
        self,
        faces: Faces,
        rows: Tensor,
        teacher: Teacher | None,
        generator: torch.Generator,
        options: argparse.Namespace,
        joint: Joint | None = None,
    ) -> None:
        device = generator.device
        keep = rows.cpu().numpy()
        self.images = torch.from_numpy(faces.images[keep]).to(device)
        self.targets = torch.from_numpy(faces.targets[keep]).to(device)
        centres, row = class_centres(torch.from_numpy(faces.targets), torch.from_numpy(faces.identity).long())
        self.centres, self.row = centres.to(device), row[rows.cpu()].to(device)
        weights, age = faces.draw_weights()[keep], faces.attributes[keep, 0]
        weights[(age >= 1) & (age <= OLDEST)] *= options.children
        self.weights = torch.from_numpy(weights).float().to(device)
        self.teacher: Any = teacher
        self._hints: Any = teacher.hints if teacher is not None else None
        if teacher is not None and options.compile:
            self.teacher = torch.compile(teacher, dynamic=False)
            self._hints = torch.compile(teacher.hints, dynamic=False)
        self.joint = joint
        self.blended, self.generator = options.blended, generator
        self.blend: Any = torch.compile(blend, dynamic=False) if options.compile else blend

    def _faces(self, rows: Tensor) -> Tensor:
        return self.images[rows].permute(0, 3, 1, 2).float().contiguous() / 255.0

    def draw(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """(faces float [n,3,112,112], targets float [n,d], class rows [n], -1 where unknown)."""
        mixed = round(count * self.blended) if self.teacher is not None or self.joint is not None else 0
        rows = torch.multinomial(self.weights, count + mixed, replacement=True, generator=self.generator)
        plain = rows[: count - mixed]
        faces, targets, row = self._faces(plain), self.targets[plain], self.row[plain]
        if mixed:
            pairs = self._faces(rows[count - mixed :])
            new = self.blend(pairs[:mixed], pairs[mixed:], Dice(self.generator, mixed, SIDE_PX, grains=0))
            faces = torch.cat([faces, new])
            asked = self.joint(new * 255.0) if self.joint is not None else mirrored_mean(self.teacher, new * 255.0)
            targets = torch.cat([targets, asked])
            row = torch.cat([row, row.new_full((mixed,), -1)])
        return faces, targets, row

    def hints(self, faces: Tensor, matrices: Tensor) -> list[Tensor]:
        """The teacher's maps of clean faces, of their mirror images where the student will see those."""
        turned = mirrored(matrices).view(-1, 1, 1, 1)
        maps: list[Tensor] = self._hints(torch.where(turned, faces.flip(3), faces) * 255.0)
        return maps


class Run:
    """One training: student, average, optimizers and counters, from the checkpoint in `out` if there is one."""

    def __init__(self, options: argparse.Namespace, faces: Faces, lesson: Lesson | None = None) -> None:
        self.options = options
        self.device = torch.device(options.device)
        torch.manual_seed(options.seed)
        student = checkpoint.import_weights(options.start) if options.start else Student(options.width)
        self.student = student.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = checkpoint.Average(self.student, options.average)
        self.optimizers = optimizers.make(self.student, options.optimizer, options.lr, options.weight_decay)
        self.generator = torch.Generator(self.device)
        self.generator.manual_seed(options.seed)
        self.data, self.step, self.images, self.seconds = faces.hash, 0, 0, 0.0
        self.budget = schedule.Budget(options.minutes * 60, options.images)
        self.stages = schedule.parse_stages(options.stages)
        teacher = self._teacher() if lesson is None else None
        self.hint_loss = self._hint_loss(teacher) if teacher is not None and options.features else None
        self._resume()
        train, held = split(len(faces), options.held_out)
        train = train if lesson is None else np.setdiff1d(train, lesson.kept_out)
        joint, people = (None, None) if lesson is None else (lesson.teachers, lesson.people)
        self.source = Source(faces, torch.from_numpy(train), teacher, self.generator, options, joint)
        pairs = curve.read_pairs(options.pairs) if options.pairs else None
        held_targets = torch.from_numpy(faces.targets[held])
        self.protocols = curve.Protocols(faces.images[held], held_targets, pairs, self.device, people)
        forward = self.student if self.hint_loss is None else self.student.with_maps
        self.model: Any = torch.compile(forward, dynamic=False) if options.compile else forward
        self.degrade: Any = torch.compile(degrade, dynamic=False) if options.compile else degrade

    def _teacher(self) -> Teacher | None:
        if not self.options.teacher or not (self.options.blended or self.options.features):
            return None
        cuda = self.device.type == "cuda"
        teacher = Teacher(*load_program(self.options.teacher), shifted=self.options.compile).eval().to(self.device)
        return teacher.half() if cuda else teacher

    def _hint_loss(self, teacher: Teacher) -> HintLoss:
        """The loss, and an optimizer of its own for its projections."""
        hints = teacher.hints(torch.zeros(1, 3, SIDE_PX, SIDE_PX, device=self.device))
        ours = stage_channels(self.student.width)[: len(hints)]
        loss = HintLoss(ours, [hint.shape[1] for hint in hints]).to(self.device)
        self.optimizers.append(torch.optim.AdamW(loss.parameters(), lr=self.options.lr, betas=(0.9, 0.99)))
        return loss

    def _resume(self) -> None:
        path = self.options.out / "checkpoint.pt"
        state = checkpoint.load(path, self.data, self.student.width, self.hint_loss is not None)
        if state is None:
            return
        if self.hint_loss is not None:
            self.hint_loss.load_state_dict(state["hints"])
        self.student.load_state_dict(state["student"])
        self.average.student.load_state_dict(state["average"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.generator.set_state(state["generator"])
        self.step, self.images, self.seconds = state["step"], state["images"], state["seconds"]
        print(f"goes on after {self.images} images, {self.seconds:.0f} s", file=sys.stderr, flush=True)

    def save(self) -> None:
        """Writes the checkpoint and the averaged weights (`student.npz`)."""
        state = {
            "data": self.data, "width": self.student.width, "step": self.step, "images": self.images,
            "seconds": self.seconds, "student": self.student.state_dict(), "average": self.average.student.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "generator": self.generator.get_state(),
        }  # fmt: skip
        if self.hint_loss is not None:
            state["hints"] = self.hint_loss.state_dict()
        checkpoint.save(self.options.out / "checkpoint.pt", state)
        checkpoint.export_weights(self.options.out / "student.npz", self.average.student, self.data)

    def fraction(self) -> float:
        """The spent part of the budget."""
        return self.budget.fraction(self.seconds, self.images)

    def train_step(self) -> Tensor:
        """One batch; returns the mean cosine to the targets (on the device, not waited for)."""
        options, fraction = self.options, self.fraction()
        side = schedule.resolution(self.stages, fraction)
        rate = schedule.learning_rate(options.lr, fraction, self.step, options.warm_up)
        faces, targets, row = self.source.draw(options.batch)
        dice = Dice(self.generator, options.batch, SIDE_PX)
        matrices = placement(SIDE_PX, dice) if self.hint_loss is not None else None
        x = self.degrade(faces, dice)
        if side != x.shape[-1]:
            x = F.interpolate(x, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
        x = normalised_input(x * 255.0).contiguous(memory_format=torch.channels_last)
        self.student.train()
        with torch.autocast(self.device.type, torch.bfloat16):
            raw, maps = (self.model(x), []) if self.hint_loss is None else self.model(x)
        raw = raw.float()
        found = F.normalize(raw, dim=1)
        near = cosine_loss(found, targets)
        loss = near + options.relation * relation_loss(found, targets) + LENGTH_SHARE * length_loss(raw)
        if options.arc:
            loss = loss + options.arc * arc_loss(found, row, self.source.centres)
        if self.hint_loss is not None and matrices is not None:
            wanted = self.source.hints(faces, matrices)
            loss = loss + options.features * self.hint_loss(maps[: len(wanted)], wanted, matrices)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.average.update(self.step)
        self.step += 1
        self.images += len(x)
        return 1.0 - near.detach()

    def measure(self) -> curve.Row:
        """Measures the average and adds a row to the curve."""
        model = self.average.student
        figures = self.protocols.measure(lambda pixels: model(normalised_input(pixels)))
        side = schedule.resolution(self.stages, max(self.fraction() - 1e-9, 0.0))
        kind = curve.Row if self.protocols.people is None else curve.PeopleRow
        row = kind(
            images=self.images, seconds=round(self.seconds, 1), resolution=side, width=model.width, data=self.data[:12],
            **figures,
        )  # fmt: skip
        curve.append_row(self.options.curve or self.options.out / "learning-curve.csv", row)
        return row


def train(run: Run) -> None:
    """Trains to the end of the budget, or until the process is asked to stop; then saves."""
    stop: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _frame: stop.append(number))
    last = said = measured = time.monotonic()
    while run.fraction() < 1.0 and not stop:
        cosine = run.train_step()
        now = time.monotonic()
        run.seconds, last = run.seconds + now - last, now
        if now - said > run.options.say_every:
            if not torch.isfinite(cosine):
                raise FloatingPointError("the training diverged: start again with a lower --lr")
            rate = run.optimizers[0].param_groups[0]["lr"]
            print(
                f"{run.fraction():6.1%} {run.images} images {run.seconds:.0f} s lr {rate:.5f} cosine {cosine:.4f}",
                file=sys.stderr, flush=True,
            )  # fmt: skip
            said = now
        if now - measured > run.options.measure_every * 60:
            run.save()
            print(run.measure(), file=sys.stderr, flush=True)
            measured = time.monotonic()
    if run.device.type == "cuda":
        torch.cuda.synchronize()
    run.save()
    print(run.measure(), file=sys.stderr, flush=True)


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = make_parser("Distils the student from the teacher.")
    return checked(parser, parser.parse_args(words))


def make_parser(description: str) -> argparse.ArgumentParser:
    """The options that every training on the whole network has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--pack", type=Path, required=True, help="folder of the training pack")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint, weights and curve")
    parser.add_argument("--teacher", type=Path, help="the teacher's .tflite or .npz; without it nothing is blended")
    parser.add_argument("--pairs", type=Path, help=".npz of aligned pairs (roomkin_training.alignment)")
    parser.add_argument("--start", type=Path, help=".npz of weights to start from")
    parser.add_argument("--curve", type=Path, help="CSV to add rows to (default: in --out)")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--minutes", type=float, default=0.0, help="budget in minutes of training")
    parser.add_argument("--images", type=int, default=0, help="budget in pictures")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--lr", type=float, default=5e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--warm-up", type=int, default=300, help="steps")
    parser.add_argument("--optimizer", choices=("adamw", "muon"), default="muon")
    parser.add_argument("--average", type=float, default=0.999, help="decay of the weights' running average")
    parser.add_argument("--stages", default="112:1", help="side in px : fraction until which it holds")
    parser.add_argument("--blended", type=float, default=0.5, help="share of a batch that is blended")
    parser.add_argument("--relation", type=float, default=0.3, help="weight of the relation loss")
    parser.add_argument("--arc", type=float, default=0.0, help="weight of the ArcFace term")
    parser.add_argument("--features", type=float, default=0.0, help="weight of the hint loss on the teacher's maps")
    parser.add_argument(
        "--children", type=float, default=1.0, help="how often children are drawn, relative to their share"
    )
    parser.add_argument("--held-out", type=int, default=2000, help="faces kept out for the curve")
    parser.add_argument("--limit", type=int, default=0, help="use only so many faces of the pack (trials)")
    parser.add_argument("--measure-every", type=float, default=3.0, help="minutes between checkpoints")
    parser.add_argument("--say-every", type=float, default=10.0, help="seconds between progress lines")
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--compile", action="store_true")
    return parser


def checked(parser: argparse.ArgumentParser, options: argparse.Namespace) -> argparse.Namespace:
    """The options, or an error of the command line."""
    if not options.minutes and not options.images:
        parser.error("give a budget: --minutes or --images")
    if options.features and not options.teacher:
        parser.error("--features needs --teacher")
    return options


def main(words: list[str] | None = None) -> None:
    """Reads the pack, trains, saves."""
    options = arguments(words)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.set_float32_matmul_precision("high")
    faces = read_pack(options.pack, options.limit)
    run = Run(options, faces)
    weights = parameters_count(run.student) / 1e6
    print(f"{len(faces)} faces, data {faces.hash[:12]}, {weights:.1f} M weights", file=sys.stderr, flush=True)
    train(run)


if __name__ == "__main__":
    main()
