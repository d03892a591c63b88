"""What the student is asked for: the teacher's embedding, its similarities between faces, and its hidden maps.

Invariant: every loss is a mean over faces, 0 where the student agrees with the teacher entirely.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def cosine_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """1 - cosine. Both [n,d] of length 1."""
    return (1.0 - (found * wanted).sum(1)).mean()


def relation_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Squared differences of similarities, summed over the other faces of the batch as if there were 100 of them.

    Park et al. 2019 (arXiv 1904.05068), with the cosine as the relation; weighs the directions in which faces differ.
    """
    difference = found @ found.T - wanted @ wanted.T
    return difference.square().mean() * 100.0


def length_loss(raw: Tensor) -> Tensor:
    """Keeps the raw embeddings' length near 1, so that one int8 scale fits all of them."""
    lengths: Tensor = raw.norm(dim=1)
    return lengths.clamp_min(1e-3).log().square().mean()


def class_centres(targets: Tensor, identity: Tensor) -> tuple[Tensor, Tensor]:
    """Normalised mean of the teacher's embeddings per identity, [k,d], and each face's row in it (-1: unknown), [n]."""
    known, row = torch.unique(identity, return_inverse=True)
    sums = torch.zeros(len(known), targets.shape[1]).index_add_(0, row, targets)
    centres = F.normalize(sums, dim=1)
    has_unknown = int(len(known) > 0 and known[0] < 0)
    return centres[has_unknown:], row - has_unknown


def arc_loss(found: Tensor, row: Tensor, centres: Tensor, margin: float = 0.3, scale: float = 32.0) -> Tensor:
    """ArcFace (Deng et al. 2019) against fixed centres; faces of unknown identity (row -1) do not count."""
    known = row >= 0
    cosine = (found @ centres.T).clamp(-1 + 1e-6, 1 - 1e-6)
    own = cosine.gather(1, row.clamp_min(0)[:, None])
    turned = own * math.cos(margin) - torch.sqrt(1 - own.square()) * math.sin(margin)
    logits = cosine.scatter(1, row.clamp_min(0)[:, None], torch.where(own > math.cos(math.pi - margin), turned, own))
    each = F.cross_entropy(logits * scale, row.clamp_min(0), reduction="none")
    return (each * known).sum() / known.sum().clamp_min(1)


def mirrored(matrices: Tensor) -> Tensor:
    """Which sampling matrices [n,2,3] turn the picture over, bool [n]."""
    return torch.det(matrices[:, :, :2]) < 0


class HintLoss(nn.Module):
    """1 - cosine between the student's maps and the teacher's, position by position (FitNets, arXiv 1412.6550).

    A learnt 1x1 projection per stage takes the student's channels to the teacher's; it belongs to the training and not
    to the student, so it is never exported. The teacher's channels are standardised over the batch first: what every
    face and every place has in common earns nothing. A student's map of another size is pooled or interpolated.

    Geometry: the teacher sees the clean, well aligned face, the student a misplaced and often mirrored one. A mirrored
    one is compared with the teacher's maps of the mirrored clean face, because a network's maps are not symmetrical.
    The rest (shift, turn, scale) is done to the teacher's maps, which are resampled to where the student sees the face;
    positions that would come from outside the picture do not count. What is covered, blurred or dark does count, as in
    the loss of the embedding. Both networks pad alike, so that their positions stand for the same pixels.
    """

    def __init__(self, student: Sequence[int], teacher: Sequence[int]) -> None:
        """Channels of the student's first stages and of the teacher's hints, from fine to coarse."""
        super().__init__()
        pairs = zip(student, teacher, strict=True)
        self.projections = nn.ModuleList(nn.Conv2d(inputs, outputs, 1) for inputs, outputs in pairs)

    def forward(self, found: Sequence[Tensor], wanted: Sequence[Tensor], matrices: Tensor) -> Tensor:
        """Mean over hints and faces. `wanted` are of the clean face, mirrored where `mirrored(matrices)` says so.

        `matrices` [n,2,3] are those by which the student's picture was sampled from the clean one.
        """
        sign = torch.where(mirrored(matrices), -1.0, 1.0)
        upright = torch.stack([matrices[:, 0] * sign[:, None], matrices[:, 1]], 1)
        parts = []
        for projection, mine, theirs in zip(self.projections, found, wanted, strict=True):
            grid = F.affine_grid(upright, list(theirs.shape), align_corners=False)
            inside = (grid.abs().amax(3) <= 1).float()
            standard = F.batch_norm(theirs.float(), None, None, training=True)
            moved = F.grid_sample(standard, grid, mode="bilinear", padding_mode="border", align_corners=False)
            near = F.cosine_similarity(projection(_resized(mine.float(), theirs.shape[-1])), moved, dim=1)
            parts.append((((1.0 - near) * inside).sum((1, 2)) / inside.sum((1, 2)).clamp_min(1.0)).mean())
        return torch.stack(parts).mean()


def _resized(maps: Tensor, side: int) -> Tensor:
    """[n,c,s,s] to [n,c,side,side]: means of areas where it shrinks, bilinear where it grows."""
    if maps.shape[-1] >= side:
        return maps if maps.shape[-1] == side else F.adaptive_avg_pool2d(maps, side)
    return F.interpolate(maps, size=(side, side), mode="bilinear", align_corners=False)
